import { ElapsedTime } from './elapsed-time';
import type { Seen } from './recordings';

interface Props {
  /** What runs, if this person may know. */
  running: Seen | undefined;
  /** Opens what this person can do about it. */
  onOpen: (() => void) | undefined;
}

/** Shows everyone in a room that it is recorded. What changes is announced elsewhere, so this is silent. */
export function RecordingBadge({ running, onOpen }: Props) {
  const paused = running?.state === 'paused';
  const text = paused ? 'Paused' : 'Recording';
  const look = `recording-badge${paused ? ' paused' : ''}`;
  if (!onOpen) {
    return (
      <span className={look} title="This room is being recorded">
        <span className="recording-dot" />
        {text}
      </span>
    );
  }
  return (
    <button className={look} onClick={onOpen} title={paused ? 'The recording is paused' : 'This room is being recorded'}>
      <span className="recording-dot" />
      {text}
      {running && <ElapsedTime recording={running} />}
      <span className="visually-hidden">, open recordings</span>
    </button>
  );
}
