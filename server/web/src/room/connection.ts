import { ConnectionState, DisconnectReason, EngineEvent, Room, RoomEvent, Track, VideoPresets } from 'livekit-client';
import { ChatLog } from '../chat/chat-log';
import type { Choices } from '../prejoin/choices';
import { mediaProblem } from '../prejoin/media-problem';
import { toast } from '../ui/toasts';
import { endingOf, isRefusal, joinProblem, type Phase } from './phase';
import type { TokenSource } from './token-source';

/**
 * One person's way through a room: joining, publishing, coming back after the server was gone, leaving.
 *
 * The SDK's `Room` bridges short losses by itself (its state is then `reconnecting`). When it gives up,
 * or takes too long, this class takes over: it keeps trying, with a new token if the old one is refused,
 * and publishes again what was on.
 */
export class RoomConnection {
  readonly room = new Room({
    adaptiveStream: true,
    dynacast: true,
    publishDefaults: { simulcast: true },
    videoCaptureDefaults: { resolution: VideoPresets.h720.resolution },
  });
  readonly chat = new ChatLog(this.room);

  readonly #tokens: TokenSource;
  readonly #listeners = new Set<() => void>();
  #phase: Phase = { kind: 'prejoin' };
  #name = '';
  #token: string | undefined;
  /** What the person wants on, whatever the connection does. */
  #wanted = { camera: false, microphone: false };
  #wake: (() => void) | undefined;
  #patience: ReturnType<typeof setTimeout> | undefined;

  constructor(tokens: TokenSource) {
    this.#tokens = tokens;
    this.room.on(RoomEvent.Disconnected, (reason) => this.#onDisconnected(reason));
    this.room.on(RoomEvent.ConnectionStateChanged, (state) => this.#watch(state));
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** The newest token, for the server's API: it sends new ones while a person is in the room. */
  get token(): string | undefined {
    return this.#token;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  async join(choices: Choices): Promise<void> {
    this.#enter({ kind: 'joining' });
    this.#name = choices.name;
    this.#wanted = { camera: Boolean(choices.camera), microphone: Boolean(choices.microphone) };
    this.#preferDevices(choices);
    try {
      await this.#connect();
    } catch (error) {
      this.#enter({ kind: 'prejoin', problem: joinProblem(error) });
      return;
    }
    this.#enter({ kind: 'joined' });
    await this.#publishPreview(choices);
  }

  async leave(): Promise<void> {
    this.#enter({ kind: 'ended', ending: 'left' });
    await this.room.disconnect();
  }

  /** Does not wait for the next try to come back, but makes it now. */
  retryNow(): void {
    this.#wake?.();
  }

  async setCamera(on: boolean): Promise<void> {
    this.#wanted.camera = on;
    await this.#change('video', () => this.room.localParticipant.setCameraEnabled(on));
  }

  async setMicrophone(on: boolean): Promise<void> {
    this.#wanted.microphone = on;
    await this.#change('audio', () => this.room.localParticipant.setMicrophoneEnabled(on));
  }

  async setScreenShare(on: boolean): Promise<void> {
    try {
      await this.room.localParticipant.setScreenShareEnabled(on, { audio: true, selfBrowserSurface: 'exclude' });
    } catch (error) {
      // Closing the browser's chooser also arrives here, and needs no words.
      if (!(error instanceof Error && error.name === 'NotAllowedError')) toast('The screen could not be shared.', 'problem');
    }
  }

  /** Gives everything back when the page goes elsewhere. */
  dispose(): void {
    if (this.#phase.kind === 'prejoin') return;
    void this.leave();
    this.#wake?.();
  }

  async #connect(): Promise<void> {
    try {
      await this.#connectWithToken();
    } catch (error) {
      if (!isRefusal(error) || !this.#tokens.renew()) throw error;
      await this.#connectWithToken();
    }
    if (this.#phase.kind === 'ended') await this.room.disconnect();
  }

  async #connectWithToken(): Promise<void> {
    const token = await this.#tokens.token(this.#name);
    await this.room.connect(signallingUrl(), token);
    this.#token = token;
    this.room.engine.on(EngineEvent.TokenRefreshed, (newer) => (this.#token = newer));
  }

  #onDisconnected(reason: DisconnectReason | undefined): void {
    if (this.#phase.kind !== 'joined') return;
    const ending = endingOf(reason);
    if (ending) this.#enter({ kind: 'ended', ending });
    else void this.#comeBack();
  }

  /**
   * Bounds the SDK's own reconnecting. It can wait for ever: where a WebSocket closes without having opened
   * and without an error (Firefox, when a new server closes at once), it never lets go of its lock.
   */
  #watch(state: ConnectionState): void {
    if (state === ConnectionState.Reconnecting || state === ConnectionState.SignalReconnecting) {
      this.#patience ??= setTimeout(() => void this.#takeOver(), PATIENCE_MS);
    } else {
      clearTimeout(this.#patience);
      this.#patience = undefined;
    }
  }

  async #takeOver(): Promise<void> {
    if (this.#phase.kind !== 'joined') return;
    this.#enter({ kind: 'lost' });
    await this.room.disconnect();
    await this.#comeBack();
  }

  async #comeBack(): Promise<void> {
    for (let tries = 0; ; tries++) {
      await this.#pause(retryDelayMs(tries));
      if (this.#phase.kind !== 'lost') return;
      this.#enter({ kind: 'lost' });
      try {
        await this.#connect();
        break;
      } catch (error) {
        if (isRefusal(error)) return this.#enter({ kind: 'ended', ending: 'refused', detail: joinProblem(error) });
      }
    }
    if (this.#phase.kind !== 'lost') return;
    this.#enter({ kind: 'joined' });
    if (this.#wanted.microphone) await this.setMicrophone(true);
    if (this.#wanted.camera) await this.setCamera(true);
  }

  #pause(ms: number): Promise<void> {
    this.#enter({ kind: 'lost', retryAt: Date.now() + ms });
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #preferDevices({ cameraId, microphoneId }: Choices): void {
    const { options } = this.room;
    options.videoCaptureDefaults = { ...options.videoCaptureDefaults, deviceId: cameraId || undefined };
    options.audioCaptureDefaults = { ...options.audioCaptureDefaults, deviceId: microphoneId || undefined };
  }

  async #publishPreview({ camera, microphone }: Choices): Promise<void> {
    const { localParticipant } = this.room;
    if (localParticipant.permissions?.canPublish === false) {
      camera?.stop();
      microphone?.stop();
      return;
    }
    await Promise.all([
      microphone && this.#change('audio', () => localParticipant.publishTrack(microphone, { source: Track.Source.Microphone })),
      camera && this.#change('video', () => localParticipant.publishTrack(camera, { source: Track.Source.Camera })),
    ]);
  }

  async #change(kind: 'audio' | 'video', change: () => Promise<unknown>): Promise<void> {
    if (this.#phase.kind !== 'joined') return;
    try {
      await change();
    } catch (error) {
      if (this.#phase.kind === 'joined') toast(mediaProblem(kind, error), 'problem');
    }
  }

  #enter(phase: Phase): void {
    this.#phase = phase;
    for (const listener of this.#listeners) listener();
  }
}

/** Longer than a change of networks takes, shorter than people wait. */
const PATIENCE_MS = 15_000;

const RETRY_DELAYS_MS = [500, 1000, 2000, 4000];

/** Spread by half, so that a room full of people does not come back in the same instant. */
function retryDelayMs(tries: number): number {
  const delay = RETRY_DELAYS_MS[Math.min(tries, RETRY_DELAYS_MS.length - 1)]!;
  return delay * (0.5 + Math.random());
}

function signallingUrl(): string {
  return location.origin.replace(/^http/, 'ws');
}
