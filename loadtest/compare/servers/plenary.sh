# Plenary itself, with what an operator would set for large rooms.

prepare() { [ -x target/release/plenary ]; }

version() { echo "$(target/release/plenary --version), commit $(git rev-parse --short HEAD)"; }

start() {
  local port=17880
  LIVEKIT_KEYS="$API_KEY: $API_SECRET" taskset -c "$server_core" target/release/plenary serve \
    --dev --http-listen "127.0.0.1:$port" --admin-listen 127.0.0.1:17889 --udp-port 17882 \
    --room-max-participants 5000 --log-level warn >"$WORK/plenary.log" 2>&1 &
  pid=$! url=ws://127.0.0.1:$port
  flags=(--api-key "$API_KEY" --api-secret "$API_SECRET")
  wait_for "http://127.0.0.1:$port/readyz"
}
