import { RoomEvent } from '@livekit/rtc-node';
import { isPitch, Person } from '../browser/person.mjs';
import { Member } from '../sdk/member.mjs';

/** In which pictures are shown, and for which the cameras have an encoding. */
export const SIZES = { small: { width: 320, height: 180 }, large: { width: 640, height: 360 } };

/** Windows in which the tiles of three people need the one encoding or the other. */
const WINDOWS = { small: { width: 480, height: 480 }, large: { width: 1280, height: 760 } };

/** The smallest of which the SDK for Node makes encodings of different sizes. Browsers have 640 by 360. */
const CAMERA = { width: 960, height: 540 };

/**
 * One kind of client, as all kinds are looked at here. The streams it tells of are
 * `{ kind, ssrc, repairSsrc, track, packets, lost, ... }`, where what a client does not tell is undefined.
 */
export class InBrowser {
  constructor({ kind, name, browser, hue, tone }) {
    Object.assign(this, { kind, name, tone });
    this.person = new Person({ name, browser, hue, tone });
  }

  toString() {
    return this.kind;
  }

  async start() {
    await this.person.start();
  }

  async join(server, room) {
    await this.person.join(server, room);
  }

  async sent() {
    return (await this.person.rtp()).filter(({ type }) => type === 'outbound-rtp').map(sentStream);
  }

  async received() {
    return (await this.person.rtp()).filter(({ type }) => type === 'inbound-rtp').map(receivedStream);
  }

  /** Whose tracks there are, as far as it tells. */
  async tracks() {
    return [];
  }

  /** Names of payload types. */
  async codecs() {
    return (await this.person.rtp())[0].codecs;
  }

  /** Whether it could send and receive a codec of sound. */
  knows(codec) {
    return this.person.page.evaluate(
      (mime) => RTCRtpSender.getCapabilities('audio').codecs.some(({ mimeType }) => mimeType.toLowerCase() === mime),
      `audio/${codec}`,
    );
  }

  async askFor(size) {
    await this.person.page.setViewport(WINDOWS[size]);
  }

  async setSilent(isSilent) {
    await this.person.setSilent(isSilent);
  }

  async hears(other) {
    return (await this.person.tones()).some((pitch) => isPitch(pitch, other.tone));
  }

  report() {
    return this.person.report();
  }

  async leave() {
    await this.person.close();
  }
}

/** A client with LiveKit's SDK for Node. */
export class InNode {
  kind = 'rtc-node';
  #tracks = new Map();

  constructor({ name, colour, tone }) {
    Object.assign(this, { name, tone });
    this.member = new Member(name, { colour, tone, size: CAMERA, grain: 30 });
    this.member.room.on(RoomEvent.TrackSubscribed, (track, publication) => this.#tracks.set(track, publication));
  }

  toString() {
    return this.kind;
  }

  async start() {}

  async join(server, room) {
    await this.member.join(server, room);
    this.#tracks.set((await this.member.publishCamera()).track, undefined);
    this.#tracks.set((await this.member.publishMicrophone()).track, undefined);
  }

  async sent() {
    return (await this.#stats()).filter(({ type }) => type === 'outboundRtp').map(sentStream);
  }

  async received() {
    return (await this.#stats()).filter(({ type }) => type === 'inboundRtp').map(receivedStream);
  }

  async tracks() {
    const { member } = this;
    return [member.me, ...member.others()].flatMap(({ name, identity, trackPublications }) =>
      [...trackPublications.keys()].map((sid) => ({ sid, owner: name || identity })),
    );
  }

  /** Descriptions are not to be had. These are the numbers libwebrtc gives. */
  async codecs() {
    return { 63: 'red', 111: 'opus', 96: 'vp8' };
  }

  async knows(codec) {
    return codec === 'red';
  }

  async askFor(size) {
    for (const publication of this.#tracks.values()) {
      if (publication) request('updateRemoteTrackPublicationDimension', { trackPublicationHandle: publication.ffiHandle.handle, ...SIZES[size] });
    }
  }

  async setSilent(isSilent) {
    this.member.tone = isSilent ? 0 : this.tone;
  }

  async hears(other) {
    const them = this.member.others().find(({ name }) => name === other.name);
    return isPitch(this.member.hears(them?.identity) ?? 0, other.tone);
  }

  report() {
    return `--- ${this.name} (${this.kind})`;
  }

  async leave() {
    await this.member.leave();
  }

  async #stats() {
    const all = await Promise.all([...this.#tracks].map(async ([track, publication]) => {
      const { stats } = await answerTo('getStats', { trackHandle: track.ffi_handle.handle });
      return stats.map(({ stats: { case: type, value } }) => ({ ...flat(value), type, track: publication?.sid }));
    }));
    return all.flat();
  }
}

function sentStream(stats) {
  return {
    kind: stats.kind,
    ssrc: stats.ssrc,
    repairSsrc: stats.rtxSsrc || undefined,
    rid: stats.rid,
    packets: Number(stats.packetsSent),
    repeated: Number(stats.retransmittedPacketsSent),
    frames: stats.framesSent ?? 0,
    width: stats.frameWidth ?? 0,
  };
}

function receivedStream(stats) {
  return {
    kind: stats.kind,
    ssrc: stats.ssrc,
    repairSsrc: stats.rtxSsrc || undefined,
    track: stats.track,
    packets: Number(stats.packetsReceived),
    lost: Number(stats.packetsLost),
    frames: stats.framesDecoded ?? 0,
    width: stats.frameWidth ?? 0,
    samples: Number(stats.totalSamplesReceived),
    concealedSamples: Number(stats.concealedSamples),
  };
}

/** The SDK gives statistics in groups. */
function flat(groups) {
  return Object.assign({}, ...Object.values(groups));
}

/** What the SDK's native part can do and its JavaScript does not offer. */
function request(name, value) {
  return globalThis._ffiClientInstance.request({ message: { case: name, value } });
}

async function answerTo(name, value) {
  const client = globalThis._ffiClientInstance;
  const requestAsyncId = client.getNextRequestAsyncId();
  const answered = client.waitFor(({ message }) => message.case === name && message.value.asyncId === requestAsyncId);
  request(name, { ...value, requestAsyncId });
  return answered;
}
