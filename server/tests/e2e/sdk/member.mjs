import {
  AudioFrame, AudioSource, AudioStream, LocalAudioTrack, LocalVideoTrack, Room, RoomEvent, TrackKind,
  TrackPublishOptions, TrackSource, VideoBufferType, VideoCodec, VideoFrame, VideoSource, VideoStream,
} from '@livekit/rtc-node';
import { AccessToken } from 'livekit-server-sdk';

const SIZE = { width: 320, height: 240 };
/** A busy machine shows fewer pictures then, not smaller ones. The SDK exports no names for this. */
const MAINTAIN_RESOLUTION = 2;
/** Sound is handed over in pieces, a second of it over and over: tones of whole hertz go on in the next. */
const [SAMPLE_RATE, SAMPLES] = [48_000, 4_800];

/** A token of the server's key, as a back end makes it. */
export async function token(server, room, identity, { grants = {}, ...options } = {}) {
  const access = new AccessToken(server.apiKey, server.apiSecret, { identity, ttl: '10m', ...options });
  access.addGrant({ roomJoin: true, room, canUpdateOwnMetadata: true, ...grants });
  return access.toJwt();
}

/** A participant with LiveKit's own SDK: publishes a plain colour and a tone, and tells what it receives. */
export class Member {
  room = new Room();
  messages = [];
  events = [];
  #timers = [];
  #colours = new Map();
  #places = new Map();
  #spectra = new Map();
  /** What is under these tracks may be another one's by now. */
  #gone = new WeakSet();
  /** How many pictures of each participant it has received. */
  pictures = new Map();

  /** With `grain` the picture moves: it is then larger than a packet. `codec` is a name of `VideoCodec`. */
  constructor(identity, { colour = [0, 0, 0], tone = 0, size = SIZE, fps = 15, grain = 0, codec } = {}) {
    Object.assign(this, { identity, colour, tone, size, fps, grain, codec });
    this.room.on(RoomEvent.DataReceived, (payload, from, _kind, topic) => {
      this.messages.push([from?.identity, new TextDecoder().decode(payload), topic]);
    });
    this.room.on(RoomEvent.TrackSubscribed, (track, _publication, participant) => void this.#watch(track, participant.identity));
    this.room.on(RoomEvent.TrackUnsubscribed, (track) => this.#gone.add(track));
    this.room.on(RoomEvent.Disconnected, (reason) => this.events.push(['disconnected', reason]));
    for (const name of ['TrackUnpublished', 'TrackPublished']) {
      this.room.on(RoomEvent[name], (...args) => this.events.push([name, args.at(-1)?.identity]));
    }
  }

  async join(server, name, options = {}) {
    const jwt = options.jwt ?? (await token(server, name, this.identity, options));
    const { autoSubscribe = true, encryption } = options;
    await this.room.connect(server.signallingUrl, jwt, { autoSubscribe, dynacast: true, encryption });
    return this;
  }

  get me() {
    return this.room.localParticipant;
  }

  others() {
    return [...this.room.remoteParticipants.values()];
  }

  other(identity) {
    return this.others().find((participant) => participant.identity === identity);
  }

  async publishCamera() {
    const { width, height } = this.size;
    const source = new VideoSource(width, height);
    const pictures = paint(width, height, this.colour, this.grain);
    let shown = 0;
    const show = () => source.captureFrame(new VideoFrame(pictures[shown++ % pictures.length], width, height, VideoBufferType.RGBA));
    this.#timers.push(setInterval(show, 1000 / this.fps));
    return this.#publish(LocalVideoTrack.createVideoTrack('camera', source), TrackSource.SOURCE_CAMERA);
  }

  async publishMicrophone() {
    const source = new AudioSource(SAMPLE_RATE, 1);
    const feed = { stopped: false };
    this.#timers.push(feed);
    void this.#sing(source, feed);
    return this.#publish(LocalAudioTrack.createAudioTrack('microphone', source), TrackSource.SOURCE_MICROPHONE);
  }

  async #publish(track, source) {
    const videoCodec = VideoCodec[this.codec];
    const options = new TrackPublishOptions({ source, videoCodec, degradationPreference: MAINTAIN_RESOLUTION });
    return this.me.publishTrack(track, options);
  }

  async #sing(source, feed) {
    let [tone, second] = [];
    for (let piece = 0; !feed.stopped; piece++) {
      if (tone !== this.tone) [tone, second] = [this.tone, piecesOf(this.tone)];
      await source.captureFrame(second[piece % second.length]); // waits while the queue is full
    }
  }

  /** The mean colour of the newest picture of somebody. */
  sees(identity) {
    return this.#colours.get(identity);
  }

  /** The colours at places all over the newest picture of somebody. */
  looksAt(identity) {
    return this.#places.get(identity) ?? [];
  }

  /** The strongest frequency in the newest sound of somebody. */
  hears(identity) {
    const spectrum = this.#spectra.get(identity);
    return spectrum && (spectrum.toSorted((a, b) => b.power - a.power)[0]?.frequency ?? 0);
  }

  /** Which of these frequencies are in the newest sound of somebody. */
  hearsOf(frequencies, identity) {
    const spectrum = this.#spectra.get(identity) ?? [];
    return frequencies.filter((wanted) => spectrum.some(({ frequency }) => frequency === wanted));
  }

  /** Whose tracks it gets, each with the kind of track. */
  subscriptions() {
    const all = this.others().flatMap(({ identity, trackPublications }) => [...trackPublications.values()].map((own) => [identity, own]));
    const kinds = new Map([[TrackKind.KIND_VIDEO, 'video'], [TrackKind.KIND_AUDIO, 'audio']]);
    return all.filter(([, { subscribed }]) => subscribed).map(([identity, { kind }]) => `${kinds.get(kind)} of ${identity}`).sort();
  }

  async #watch(track, identity) {
    try {
      if (track.kind === TrackKind.KIND_VIDEO) {
        for await (const { frame } of new VideoStream(track)) {
          if (this.#gone.has(track)) return;
          const picture = frame.convert(VideoBufferType.RGBA);
          this.#colours.set(identity, meanColour(picture));
          this.#places.set(identity, coloursOf(picture));
          this.pictures.set(identity, (this.pictures.get(identity) ?? 0) + 1);
        }
      } else {
        const newest = [];
        for await (const frame of new AudioStream(track, SAMPLE_RATE, 1)) {
          if (this.#gone.has(track)) return;
          newest.push(...frame.data);
          if (newest.length >= SAMPLE_RATE / 5) this.#spectra.set(identity, spectrumOf(newest.splice(0)));
        }
      }
    } catch {
      // The stream ends with its track.
    }
  }

  async leave() {
    for (const timer of this.#timers) {
      if ('stopped' in timer) timer.stopped = true;
      else clearInterval(timer);
    }
    await this.room.disconnect();
  }
}

/** A second of a tone. */
function piecesOf(tone) {
  return Array.from({ length: SAMPLE_RATE / SAMPLES }, (_, piece) => {
    const at = piece * SAMPLES;
    const samples = Int16Array.from({ length: SAMPLES }, (_, i) => 12_000 * Math.sin((2 * Math.PI * tone * (at + i)) / SAMPLE_RATE));
    return new AudioFrame(samples, SAMPLE_RATE, 1, SAMPLES);
  });
}

/** Pictures of one colour, to be shown one after another. */
function paint(width, height, colour, grain) {
  return Array.from({ length: grain ? 5 : 1 }, (_, number) => {
    const pixels = new Uint8Array(width * height * 4);
    for (let at = 0; at < pixels.length; at += 4) {
      const shade = grain * Math.sin(at * (number + 1));
      for (const channel of [0, 1, 2]) pixels[at + channel] = Math.max(0, Math.min(255, colour[channel] + shade));
      pixels[at + 3] = 255;
    }
    return pixels;
  });
}

function meanColour({ data }) {
  const sums = [0, 0, 0];
  const step = 4 * 97;
  for (let at = 0; at < data.length; at += step) for (const channel of [0, 1, 2]) sums[channel] += data[at + channel];
  return sums.map((sum) => Math.round(sum / Math.ceil(data.length / step)));
}

/** What is in the middle of each cell of a chessboard over the picture. */
function coloursOf({ data, width, height }) {
  const middles = Array.from({ length: 8 }, (_, index) => (index + 0.5) / 8);
  return middles.flatMap((down) => middles.map((across) => {
    const at = 4 * (Math.floor(down * height) * width + Math.floor(across * width));
    return [...data.slice(at, at + 3)];
  }));
}

/** Goertzel's algorithm over the frequencies the members use: those that are there. */
function spectrumOf(samples) {
  const found = [];
  for (let frequency = 200; frequency <= 2000; frequency += 20) {
    const coefficient = 2 * Math.cos((2 * Math.PI * frequency) / SAMPLE_RATE);
    let [last, before] = [0, 0];
    for (const sample of samples) [last, before] = [sample + coefficient * last - before, last];
    const power = last * last + before * before - coefficient * last * before;
    if (power > 1e10) found.push({ frequency, power });
  }
  return found;
}

/** Codecs shift colours a little. */
export function isColour(seen, expected) {
  return Boolean(seen) && seen.every((value, channel) => Math.abs(value - expected[channel]) < 40);
}
