# Janus and its VideoRoom plugin, from Debian. Its ICE library leaves loopback out, so it runs in a
# network namespace of its own, with a virtual cable to this one.

janus_namespace=plenary-janus janus_cable=plenary-j janus_near=10.231.7.1 janus_far=10.231.7.2

prepare() {
  [ "$(id -u)" = 0 ] || { skip 'making a network namespace takes root'; return 1; }
  command -v ip >/dev/null && command -v janus >/dev/null && return
  say 'installing janus'
  { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y \
    --no-install-recommends janus iproute2; } >"$WORK/janus-install.log" 2>&1 </dev/null ||
    { skip "it cannot be installed, see $WORK/janus-install.log"; return 1; }
}

version() { janus --version 2>&1 | sed -n 's/^Janus version: /Janus /p; s/^janus \([0-9.]*\)$/Janus \1/p' | head -1; }

start() {
  cleanup 2>/dev/null || true
  ip netns add $janus_namespace
  ip link add $janus_cable type veth peer name eth0 netns $janus_namespace
  ip address add $janus_near/30 dev $janus_cable
  ip link set $janus_cable up
  ip -n $janus_namespace address add $janus_far/30 dev eth0
  ip -n $janus_namespace link set eth0 up
  ip -n $janus_namespace link set lo up

  configure "$WORK/janus"
  ip netns exec $janus_namespace taskset -c "$server_core" \
    janus -C "$WORK/janus/janus.jcfg" -F "$WORK/janus" >"$WORK/janus.log" 2>&1 &
  pid=$! url=ws://$janus_far:8188
  flags=(--protocol janus)
  wait_for "http://$janus_far:8188/"
}

# The cable by itself too: a namespace takes its end along only some time after its deletion.
cleanup() {
  ip link delete $janus_cable 2>/dev/null
  ip netns delete $janus_namespace 2>/dev/null
}

# Arguments: folder. ICE lite, as is right for a server with an address that all can reach; one
# event loop for each core, as its sample configuration advises for many participants; sessions may
# be taken up again after a lost WebSocket; no cap on what publishers send.
configure() {
  local lib
  lib=$(dirname "$(find /usr/lib -path '*/janus/plugins' -print -quit)")
  mkdir -p "$1"
  cat >"$1/janus.jcfg" <<JCFG
general: {
  configs_folder = "$1"
  plugins_folder = "$lib/plugins"
  transports_folder = "$lib/transports"
  events_folder = "$lib/events"
  loggers_folder = "$lib/loggers"
  debug_level = 2
  event_loops = 1
  reclaim_session_timeout = 15
}
media: { rtp_port_range = "20000-40000", ipv6 = false }
nat: { full_trickle = true, ice_lite = true, ice_tcp = false, ice_enforce_list = "$janus_far" }
transports: { disable = "libjanus_http.so,libjanus_rabbitmq.so,libjanus_mqtt.so,libjanus_nanomsg.so,libjanus_pfunix.so" }
JCFG
  cat >"$1/janus.transport.websockets.jcfg" <<JCFG
general: { ws = true, ws_port = 8188, ws_ip = "$janus_far", wss = false }
JCFG
  # Only rooms that participants make.
  echo 'general: { }' >"$1/janus.plugin.videoroom.jcfg"
}
