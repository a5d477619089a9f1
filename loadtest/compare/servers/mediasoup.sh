# mediasoup, behind a small WHIP and WHEP front of ours.

prepare() {
  if [ -z "${MEDIASOUP_WORKER_BIN:-}" ]; then
    skip 'its worker has to be given as MEDIASOUP_WORKER_BIN, since npm fetches it from elsewhere'
    return 1
  fi
  [ -x "$MEDIASOUP_WORKER_BIN" ] || { skip "$MEDIASOUP_WORKER_BIN cannot be run"; return 1; }
  skip 'the front is not written yet'
}

version() { echo mediasoup; }
start() { return 1; }
