/** A recording, as the server's API tells of it. */
export interface Recording {
  id: string;
  room: string;
  state: RecordingState;
  /** Why it ended, if nobody wanted it to. */
  error?: string;
  started_at: string;
  ended_at?: string;
  /** Seconds, without pauses. */
  duration: number;
  dropped_packets: number;
  files: readonly RecordingFile[];
  composites: readonly Composite[];
}

/** A file that shows everyone together. */
export interface Composite {
  file: string;
  state: 'waiting' | 'making' | 'complete' | 'failed';
  /** 0 if there is only sound. */
  width: number;
  codec: string;
  /** Seconds. */
  duration: number;
  bytes: number;
}

export type RecordingState = 'recording' | 'paused' | 'finalizing' | 'done' | 'recovered' | 'disk_full' | 'failed';

export interface RecordingFile {
  file: string;
  kind: 'audio' | 'video';
  codec: string;
  source: 'camera' | 'microphone' | 'screen_share' | 'screen_share_audio' | 'composite' | 'unknown';
  identity: string;
  name: string;
  /** Seconds of the recording; absent while there is nothing in the file. */
  start?: number;
  end?: number;
  bytes: number;
}

/** Whether somebody can still pause or stop it. */
export function isRunning({ state }: Recording): boolean {
  return state === 'recording' || state === 'paused';
}

/** Whether it still changes by itself. */
export function isUnsettled(recording: Recording): boolean {
  return isRunning(recording) || recording.state === 'finalizing' || awaitsComposite(recording);
}

/** The state in a word or two. */
export const STATES: Record<RecordingState, string> = {
  recording: 'Recording',
  paused: 'Paused',
  finalizing: 'Being completed',
  done: 'Complete',
  recovered: 'Recovered',
  disk_full: 'Disk full',
  failed: 'Failed',
};

/** What people need to know about how it ended; nothing if it ended as it should. */
export function faultOf({ state, error, dropped_packets }: Recording): string | undefined {
  const reason = error ? `: ${error.replace(/\.$/, '')}.` : '.';
  switch (state) {
    case 'recovered':
      return 'The server ended before the recording did. What had been recorded until then is here.';
    case 'disk_full':
      return `It ended early because the server's disk was full${reason}`;
    case 'failed':
      return `It ended early because something failed${reason}`;
    default:
      return dropped_packets > 0 ? 'Parts are missing, because the server did not keep up.' : undefined;
  }
}

/** The files that show everything together, as far as they are made. */
export function compositesOf({ composites }: Recording): readonly RecordingFile[] {
  return composites
    .filter(({ state, bytes }) => state === 'complete' || bytes > 0)
    .map(({ file, width, codec, duration, bytes }) => ({
      file, codec, bytes, kind: width > 0 ? 'video' : 'audio', source: 'composite', identity: '', name: '', start: 0, end: duration,
    }));
}

/** Whether a composite is still to come. */
export function awaitsComposite({ composites }: Recording): boolean {
  return composites.some(({ state }) => state === 'waiting' || state === 'making');
}

export interface FilesOfPerson {
  identity: string;
  name: string;
  files: readonly { label: string; file: RecordingFile }[];
}

const ORDER: readonly RecordingFile['source'][] = ['camera', 'microphone', 'screen_share', 'screen_share_audio', 'unknown'];

/** The files of single tracks by who sent them, in the order in which people came. */
export function filesByPerson({ files }: Recording): readonly FilesOfPerson[] {
  const people = new Map<string, RecordingFile[]>();
  for (const file of files) {
    people.set(file.identity, [...(people.get(file.identity) ?? []), file]);
  }
  return [...people].map(([identity, own]) => {
    const sorted = own.toSorted((a, b) => ORDER.indexOf(a.source) - ORDER.indexOf(b.source) || (a.start ?? 0) - (b.start ?? 0));
    return { identity, name: own.find(({ name }) => name)?.name ?? identity, files: numbered(sorted) };
  });
}

/** What a file holds. */
export function labelOf({ source, kind }: RecordingFile): string {
  switch (source) {
    case 'camera':
      return 'Camera';
    case 'microphone':
      return 'Microphone';
    case 'screen_share':
      return 'Screen';
    case 'screen_share_audio':
      return 'Sound of the screen';
    case 'composite':
      return kind === 'audio' ? 'Everyone’s sound' : 'Everyone together';
    default:
      return kind === 'audio' ? 'Sound' : 'Pictures';
  }
}

/** Seconds from the first to the last of what a file holds. */
export function lengthOf({ start = 0, end = 0 }: RecordingFile): number {
  return Math.max(0, end - start);
}

function numbered(files: readonly RecordingFile[]): FilesOfPerson['files'] {
  const counts = new Map<string, number>();
  return files.map((file) => {
    const label = labelOf(file);
    const count = (counts.get(label) ?? 0) + 1;
    counts.set(label, count);
    return { label: count === 1 ? label : `${label} ${count}`, file };
  });
}
