import { until } from '../shared/until.mjs';
import { SIZES } from './client.mjs';

/** Share of media lost on the way to the server, and as much again from it. */
const LOSS = 0.08;
/** How long: packets of sound of each publisher, of 20 ms. */
const LOSSY_PACKETS = 450;
/** And until so many of each stream of pictures are lost, of which a busy browser sends few. */
const LOST_OF_PICTURES = 10;
/** The time sound takes to be played out, and Opus to notice silence. */
const SETTLING_SECONDS = 1.5;
const SILENT_SECONDS = 3;

/** What happens in a conference of all clients, and what came of it. */
export class Conference {
  #owners = new Map();

  constructor(relay, clients) {
    Object.assign(this, { relay, clients });
  }

  /** Who receives from whom. */
  pairs() {
    return this.clients.flatMap((receiver) => this.othersOf(receiver).map((publisher) => [receiver, publisher]));
  }

  othersOf(client) {
    return this.clients.filter((other) => other !== client);
  }

  /** Lets everyone join, until all hear and see all. */
  async gather(server, room) {
    for (const client of this.clients) await client.join(server, room);
    await until('every track is known', async () => {
      const tracks = (await Promise.all(this.clients.map((client) => client.tracks()))).flat();
      this.#owners = new Map(tracks.map(({ sid, owner }) => [sid, this.clients.find(({ name }) => name === owner)]));
      return this.#owners.size === 2 * this.clients.length;
    });
    await this.#untilAll('hears the other', ([receiver, publisher]) => receiver.hears(publisher));
    await this.#untilAll('sees the other', (pair) => this.#isSeenAt('large', pair), { withinMs: 40_000 });
  }

  /** One after another asks for small pictures while the others have large ones. Tells which sizes each saw, in order. */
  async sizesChange() {
    const seen = new Map(this.pairs().map((pair) => [pair.join('<'), ['large']]));
    const wanted = new Map(this.clients.map((client) => [client, 'large']));
    const changes = await this.#changesDuring(async () => {
      for (const asking of [...this.clients, undefined]) {
        for (const client of this.clients) {
          const size = client === asking ? 'small' : 'large';
          if (wanted.get(client) !== size) await client.askFor(size);
          wanted.set(client, size);
        }
        await this.#untilAll('sees the wanted size', async (pair) => {
          const size = wanted.get(pair[0]);
          if (!(await this.#isSeenAt(size, pair))) return false;
          const sizes = seen.get(pair.join('<'));
          if (sizes.at(-1) !== size) sizes.push(size);
          return true;
        }).catch(() => {});
      }
    });
    return { ...changes, sizesSeen: (receiver, publisher) => seen.get(`${receiver}<${publisher}`) };
  }

  /** Media is lost for a while, in both directions. Tells how long each picture stood still at most. */
  async mediaIsLost() {
    const stills = new Stills();
    const changes = await this.#changesDuring(async (changesSoFar) => {
      this.relay.lose({ up: LOSS, down: LOSS });
      const before = await this.#soundSent();
      await until('enough was sent and lost', async () => {
        for (const [receiver, publisher] of this.pairs()) {
          stills.look(`${receiver}<${publisher}`, this.#streamOf(await receiver.received(), publisher, 'video').frames);
        }
        const sent = await this.#soundSent();
        return sent.every((packets, index) => packets - before[index] >= LOSSY_PACKETS)
          && this.#fewestLost(await changesSoFar()) >= LOST_OF_PICTURES;
      }, { withinMs: 60_000, everyMs: 300 });
      this.relay.lose({ up: 0, down: 0 });
    });
    return { ...changes, longestStillSeconds: (receiver, publisher) => stills.longest(`${receiver}<${publisher}`) };
  }

  /** Everyone is silent for a while, which is what is told of, and speaks again. */
  async everyoneIsSilent() {
    for (const client of this.clients) await client.setSilent(true);
    await pass(SETTLING_SECONDS);
    const changes = await this.#changesDuring(() => pass(SILENT_SECONDS));
    for (const client of this.clients) await client.setSilent(false);
    const heard = new Set();
    await this.#untilAll('hears the other again', async (pair) => (await pair[0].hears(pair[1])) && heard.add(pair.join('<'))).catch(() => {});
    return { ...changes, hearsAgain: (receiver, publisher) => heard.has(`${receiver}<${publisher}`) };
  }

  /** What everyone sends and receives, for people who look for a fault. */
  async report() {
    const told = this.clients.map(async (client) => {
      const [sent, received] = [await client.sent(), await client.received()];
      const of = (stream) => this.#owners.get(stream.track) ?? stream.track;
      return [
        client.report(),
        ...sent.map((stream) => `sends ${stream.kind} ${stream.rid ?? ''}: ${stream.packets} packets, ${stream.frames} frames of width ${stream.width}`),
        ...received.map((stream) => `receives ${stream.kind} of ${of(stream)}: ${stream.packets} packets, ${stream.lost} lost, ${stream.frames} frames of width ${stream.width}`),
      ].join('\n');
    });
    return (await Promise.allSettled(told)).map(({ value, reason }) => value ?? reason.message).join('\n');
  }

  async #isSeenAt(size, [receiver, publisher]) {
    const { width } = this.#streamOf(await receiver.received(), publisher, 'video') ?? {};
    return size === 'small' ? width > 0 && width <= SIZES.small.width : width >= SIZES.large.width;
  }

  #streamOf(streams, publisher, kind) {
    return streams.find((stream) => stream.kind === kind && this.#owners.get(stream.track) === publisher);
  }

  async #soundSent() {
    const streams = await Promise.all(this.clients.map((client) => client.sent()));
    return streams.map((sent) => sent.find(({ kind }) => kind === 'audio').packets);
  }

  async #untilAll(what, holds, { withinMs = 20_000 } = {}) {
    let missing = this.pairs();
    await until(`everyone ${what}`, async () => {
      const checked = await Promise.all(missing.map(async (pair) => [pair, await holds(pair)]));
      missing = checked.filter(([, done]) => !done).map(([pair]) => pair);
      return missing.length === 0;
    }, { withinMs }).catch((error) => {
      throw new Error(`${error.message}\n  missing: ${missing.map((pair) => pair.join('<')).join(', ')}`);
    });
  }

  /** Packets of pictures lost on the way from, or to, whoever has lost the fewest. */
  #fewestLost({ sent, received }) {
    const up = this.clients.map((client) => sent(client, 'video').reduce((sum, { onWire }) => sum + onWire.lost, 0));
    const down = this.pairs().map(([receiver, publisher]) => received(receiver, publisher, 'video').onWire.lost);
    return Math.min(...up, ...down);
  }

  /** By how much the counts of every stream changed while something happened, which may ask how far it is. */
  async #changesDuring(happening) {
    const before = await this.#look();
    const changesSoFar = async () => this.#changes(before, await this.#look());
    await happening(changesSoFar);
    return changesSoFar();
  }

  #changes(before, after) {
    const changed = (client, way) => after.get(client)[way].map((stream) => {
      const earlier = before.get(client)[way].find(({ ssrc }) => ssrc === stream.ssrc);
      return earlier ? difference(stream, earlier) : stream;
    });
    return {
      sent: (client, kind) => changed(client, 'sent').filter((stream) => stream.kind === kind && stream.packets > 0),
      received: (receiver, publisher, kind) => this.#streamOf(changed(receiver, 'received'), publisher, kind),
    };
  }

  async #look() {
    const [seen, ...told] = await Promise.all([
      this.relay.seen(),
      ...this.clients.map(async (client) => [client, { sent: await client.sent(), received: await client.received() }]),
    ]);
    return new Map(told.map(([client, { sent, received }]) => [client, { sent: withWire(sent, seen.up), received: withWire(received, seen.down) }]));
  }
}

/** How long counts stay as they are. */
class Stills {
  #seen = new Map();

  look(key, count) {
    const now = performance.now();
    const { longest, since, count: before } = this.#seen.get(key) ?? { longest: 0, since: now };
    this.#seen.set(key, { count, since: count === before ? since : now, longest: Math.max(longest, now - since) });
  }

  longest(key) {
    return this.#seen.get(key).longest / 1000;
  }
}

/** With what was seen of each stream on its way, and of the one that repairs it. */
function withWire(streams, seen) {
  const none = { packets: 0, lost: 0, paddings: 0, payloadTypes: [] };
  return streams.map((stream) => ({
    ...stream,
    onWire: seen.get(stream.ssrc) ?? none,
    repairOnWire: seen.get(stream.repairSsrc) ?? none,
  }));
}

/** Numbers that are counts become the difference; a size, a name and the like stay. */
function difference(now, before) {
  const counts = ['packets', 'repeated', 'frames', 'lost', 'paddings', 'samples', 'concealedSamples'];
  const entries = Object.entries(now).map(([name, value]) => {
    if (/onWire$/i.test(name)) return [name, difference(value, before[name])];
    return [name, counts.includes(name) ? value - before[name] : value];
  });
  return Object.fromEntries(entries);
}

async function pass(seconds) {
  const end = performance.now() + 1000 * seconds;
  await until(`${seconds} s have passed`, () => performance.now() >= end, { everyMs: 50 });
}
