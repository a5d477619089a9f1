import { spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { until } from './until.mjs';

/** Not for the server, which would take it for a setting. */
const { PLENARY_BIN, ...ENVIRONMENT } = process.env;
const BINARY = PLENARY_BIN ?? fileURLToPath(new URL('../../../../target/debug/plenary', import.meta.url));
const LOG_LINES_KEPT = 200;
/** One media port per worker; this many above the first are looked for. */
const WORKERS_AT_MOST = 8;

/** How the binary is told its ports. The only place that knows the command line. */
function commandLine({ httpPort, adminPort, udpPort }) {
  return ['serve', '--dev', '--http-listen', `127.0.0.1:${httpPort}`, '--admin-listen', `127.0.0.1:${adminPort}`, '--udp-port', String(udpPort)];
}

/** A `plenary serve --dev` of our own, on free ports; it can be stopped and started again on the same ones. */
export class Server {
  /** An API key that is valid on this server, for making tokens and calling the API. */
  apiKey = `API${randomBytes(6).toString('hex')}`;
  apiSecret = randomBytes(32).toString('base64url');
  #ports;
  #flags;
  #process;
  #log = [];

  /** `flags` are further ones of `plenary serve`. */
  static async start(flags = []) {
    const server = new Server();
    server.#flags = flags;
    server.#ports = { httpPort: await freeTcpPort(), adminPort: await freeTcpPort(), udpPort: await freeUdpPorts() };
    await server.start();
    return server;
  }

  get url() {
    return `http://127.0.0.1:${this.#ports.httpPort}`;
  }

  get adminUrl() {
    return `http://127.0.0.1:${this.#ports.adminPort}`;
  }

  get signallingUrl() {
    return `ws://127.0.0.1:${this.#ports.httpPort}`;
  }

  /** Port of the first worker. */
  get mediaPort() {
    return this.#ports.udpPort;
  }

  async start() {
    this.#process = spawn(BINARY, [...commandLine(this.#ports), ...this.#flags], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...ENVIRONMENT, LIVEKIT_KEYS: `${this.apiKey}: ${this.apiSecret}` },
    });
    let failure;
    this.#process.once('error', (error) => (failure = error));
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => this.#keep(text));
    }
    await until(`${BINARY} is ready`, async () => {
      if (failure) throw failure;
      return (await fetch(`${this.url}/readyz`)).ok;
    }).catch((error) => {
      throw new Error(`${error.message}\n${this.logTail()}`);
    });
  }

  /** Asks the server to stop, as an operator would, and gives its exit code. */
  async stop({ withinMs = 15_000 } = {}) {
    const process = this.#process;
    if (!process || process.exitCode !== null || process.signalCode !== null) return process?.exitCode;
    const exited = once(process, 'exit');
    process.kill('SIGTERM');
    const tooLong = setTimeout(() => process.kill('SIGKILL'), withinMs);
    const [code, signal] = await exited;
    clearTimeout(tooLong);
    return signal ?? code;
  }

  logTail() {
    return `--- last lines of the server's log\n${this.#log.join('\n')}`;
  }

  #keep(text) {
    this.#log.push(...text.split('\n').filter(Boolean));
    this.#log.splice(0, this.#log.length - LOG_LINES_KEPT);
  }
}

async function freeTcpPort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** The first of a row of free UDP ports, below the range from which the system gives out ports by itself. */
async function freeUdpPorts() {
  for (let tries = 0; tries < 50; tries++) {
    const first = randomInt(10_000, 30_000);
    const row = Array.from({ length: WORKERS_AT_MOST }, (_, i) => first + i);
    const free = await Promise.all(row.map(isFreeUdpPort));
    if (free.every(Boolean)) return first;
  }
  throw new Error('no free UDP ports');
}

async function isFreeUdpPort(port) {
  const socket = createSocket('udp4');
  return new Promise((resolve) => {
    socket.once('error', () => resolve(false));
    socket.bind(port, '0.0.0.0', () => socket.close(() => resolve(true)));
  });
}
