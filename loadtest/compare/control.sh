# How servers are built, started and stopped to be measured. For scripts in the root of the
# repository that have `say`, and `set -euo pipefail`.

servers_folder=$(cd "$(dirname "${BASH_SOURCE[0]}")/servers" && pwd)
# The server has the first core for itself.
export server_core=0
# Made for this run: keys are not worth keeping.
export API_KEY=APIcompare API_SECRET
API_SECRET=$(head -c 24 /dev/urandom | base64 | tr '+/' 'xy')
export WORK=$PWD/.cache/compare
mkdir -p "$WORK"

# Arguments: binaries.
build() {
  say 'building'
  deploy/setup build
  [ -f server/web/dist/index.html ] || deploy/web
  cargo build --release --locked "${@/#/--bin=}"
}

# Each file in servers/ has: prepare (installs, or skips), version, start (sets pid, url and flags),
# and may have cleanup.
load_server() {
  server=$1
  unset -f prepare version start cleanup
  pid='' url='' flags=()
  # shellcheck source=/dev/null
  source "$servers_folder/$server.sh"
}

stop_server() {
  if [ -n "${pid:-}" ]; then
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  fi
  pid=''
  if declare -F cleanup >/dev/null; then cleanup || true; fi
}
trap stop_server EXIT

# Arguments: URL. Waits until something answers there.
wait_for() {
  local try
  for ((try = 0; try < 100; try++)); do
    curl -sS -o /dev/null --max-time 2 "$1" 2>/dev/null && return
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  say "$server does not start"
  return 1
}
