import type { LocalAudioTrack, LocalVideoTrack } from 'livekit-client';

/** What someone chose before joining. Open tracks are handed over, so that the camera's light does not blink. */
export interface Choices {
  name: string;
  camera: LocalVideoTrack | undefined;
  microphone: LocalAudioTrack | undefined;
  cameraId: string;
  microphoneId: string;
}

/** The part of the choices that the browser remembers for the next time. */
export interface Remembered {
  name: string;
  cameraId: string;
  microphoneId: string;
  cameraOn: boolean;
  microphoneOn: boolean;
}

const KEY = 'plenary.choices';
const NOTHING: Remembered = { name: '', cameraId: '', microphoneId: '', cameraOn: true, microphoneOn: true };

export function recall(): Remembered {
  try {
    return { ...NOTHING, ...JSON.parse(localStorage.getItem(KEY) ?? '{}') };
  } catch {
    return NOTHING;
  }
}

export function remember(choices: Remembered): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(choices));
  } catch {
    // Private windows may refuse storage; then nothing is remembered.
  }
}
