# LiveKit's server, from its Go module.

livekit_version=v1.13.5

prepare() {
  command -v go >/dev/null || { skip 'there is no Go to build it with'; return 1; }
  [ -x "$WORK/livekit-$livekit_version" ] && return
  say "building livekit-server $livekit_version"
  GOBIN=$WORK/bin go install "github.com/livekit/livekit-server/cmd/server@$livekit_version" \
    >"$WORK/livekit-build.log" 2>&1 || { skip "its build failed, see $WORK/livekit-build.log"; return 1; }
  mv "$WORK/bin/server" "$WORK/livekit-$livekit_version"
}

version() { "$WORK/livekit-$livekit_version" --version; }

# One UDP port for each core, as its documentation recommends for large deployments.
start() {
  local port=17980
  cat >"$WORK/livekit.yaml" <<YAML
port: $port
bind_addresses: ["127.0.0.1"]
rtc:
  udp_port: 17982
  tcp_port: 0
  use_external_ip: false
  node_ip: 127.0.0.1
  enable_loopback_candidate: true
  interfaces: {includes: [lo]}
  ips: {includes: [127.0.0.1/32]}
limit: {num_tracks: -1}
keys: {$API_KEY: $API_SECRET}
logging: {level: error}
YAML
  taskset -c "$server_core" "$WORK/livekit-$livekit_version" --config "$WORK/livekit.yaml" \
    >"$WORK/livekit.log" 2>&1 &
  pid=$! url=ws://127.0.0.1:$port
  flags=(--api-key "$API_KEY" --api-secret "$API_SECRET")
  wait_for "http://127.0.0.1:$port/"
}
