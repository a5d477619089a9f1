import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

/** Where the server is bound; the relay has the same port at this machine's own address. */
const SERVER = '127.0.0.1';

/**
 * What lies between clients and the server: passes datagrams on, and loses media when it is told to. Headers of RTP
 * are readable on the way, so it also tells what is really sent, whatever clients say.
 *
 * It listens where the server says that it would, so clients need not be told of it, and it needs no rights. It has a
 * thread of its own, so that nothing waits for the tests.
 */
export class Relay {
  #worker;

  /** Flags of a server that is reached through a relay only. */
  static flags() {
    return ['--workers', '1', '--udp-bind', SERVER, '--advertise', ownAddress()];
  }

  static async start(server) {
    const relay = new Relay();
    relay.#worker = new Worker(new URL(import.meta.url), { workerData: { address: ownAddress(), port: server.mediaPort } });
    await once(relay.#worker, 'message');
    return relay;
  }

  async close() {
    await this.#worker.terminate();
  }

  /** Loses a share of media from now on, on the way `up` to the server and `down` from it. */
  lose({ up, down }) {
    this.#worker.postMessage({ loss: { up, down } });
  }

  /**
   * What has been seen of every RTP stream, by way and SSRC: `{ packets, lost, paddings, payloadTypes }`. What was
   * lost is among the packets; paddings, which hold nothing, are counted apart.
   */
  async seen() {
    this.#worker.postMessage({});
    const [seen] = await once(this.#worker, 'message');
    return seen;
  }
}

/** A machine that is busy elsewhere should lose nothing of itself. */
const SOCKET = { type: 'udp4', recvBufferSize: 4 * 1024 * 1024 };

class Passage {
  loss = { up: 0, down: 0 };
  seen = { up: new Map(), down: new Map() };
  #listener = createSocket(SOCKET);
  /** A socket for each client, by which the server tells it from the others. */
  #sockets = new Map();
  #random = randomNumbers(1);

  constructor({ address, port }) {
    Object.assign(this, { address, port });
    this.#listener.on('message', (datagram, from) => this.#up(datagram, from));
  }

  async open() {
    this.#listener.bind(this.port, this.address);
    await once(this.#listener, 'listening');
  }

  #up(datagram, { address, port }) {
    const key = `${address}:${port}`;
    let socket = this.#sockets.get(key);
    if (!socket) {
      socket = createSocket(SOCKET);
      socket.on('message', (answer) => this.#passes('down', answer) && this.#listener.send(answer, port, address));
      // Not loopback: Firefox does not believe that it comes from there.
      socket.bind(0, this.address);
      this.#sockets.set(key, socket);
    }
    if (this.#passes('up', datagram)) socket.send(datagram, this.port, SERVER);
  }

  /** Only media is lost: how connections come up under loss is not what is looked at here. */
  #passes(way, datagram) {
    if (datagram[0] < 128 || datagram[0] > 191) return true; // RFC 7983
    const isLost = this.#random() < this.loss[way];
    const payloadType = datagram[1] & 0x7f;
    const isRtcp = payloadType >= 64 && payloadType < 96; // RFC 5761
    if (!isRtcp) this.#count(way, datagram, payloadType, isLost);
    return !isLost;
  }

  #count(way, datagram, payloadType, isLost) {
    const ssrc = datagram.readUInt32BE(8);
    const none = { packets: 0, lost: 0, paddings: 0, payloadTypes: [] };
    const stream = this.seen[way].get(ssrc) ?? none;
    const isPadded = (datagram[0] & 0x20) !== 0;
    stream[isPadded ? 'paddings' : 'packets'] += 1;
    if (isLost && !isPadded) stream.lost += 1;
    if (!stream.payloadTypes.includes(payloadType)) stream.payloadTypes.push(payloadType);
    this.seen[way].set(ssrc, stream);
  }
}

/** An address of this machine that every client uses; Firefox sends from no loopback address. */
function ownAddress() {
  const all = Object.values(networkInterfaces()).flat();
  const own = all.find(({ family, internal }) => family === 'IPv4' && !internal);
  if (!own) throw new Error('this machine has no IPv4 address besides loopback');
  return own.address;
}

/** The same row of numbers from 0 to 1 for the same seed (xorshift). */
function randomNumbers(seed) {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

if (!isMainThread) {
  const passage = new Passage(workerData);
  await passage.open();
  parentPort.postMessage('open');
  parentPort.on('message', ({ loss }) => {
    if (loss) passage.loss = loss;
    else parentPort.postMessage(passage.seen);
  });
}
