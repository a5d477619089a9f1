import { useEffect, useState } from 'react';
import { elapsed, type Seen } from './recordings';
import { clockTime } from './words';

/** How long a recording is by now. It counts on by itself and is silent, or screen readers would speak every second. */
export function ElapsedTime({ recording }: { recording: Seen }) {
  const seconds = useElapsed(recording);
  return (
    <span className="elapsed" role="timer" aria-live="off">
      {clockTime(seconds)}
    </span>
  );
}

/** Looks again when a second is full, so that all places that show it count at once. */
function useElapsed(recording: Seen): number {
  const [, look] = useState(0);
  const seconds = elapsed(recording);
  const counts = recording.state === 'recording';
  useEffect(() => {
    if (!counts) return;
    const timer = setTimeout(() => look((count) => count + 1), 1000 * (1 - (seconds % 1)) + 5);
    return () => clearTimeout(timer);
  });
  return seconds;
}
