import { useConnectionQualityIndicator } from '@livekit/components-react';
import { ConnectionQuality, type Participant } from 'livekit-client';

const BARS: Record<ConnectionQuality, number> = {
  [ConnectionQuality.Excellent]: 3,
  [ConnectionQuality.Good]: 2,
  [ConnectionQuality.Poor]: 1,
  [ConnectionQuality.Lost]: 0,
  [ConnectionQuality.Unknown]: 0,
};

/** Three bars for how good a participant's connection is; nothing until the server has said so. */
export function ConnectionBars({ participant }: { participant: Participant }) {
  const { quality } = useConnectionQualityIndicator({ participant });
  if (quality === ConnectionQuality.Unknown) return null;
  const text = `Connection: ${quality}`;
  return (
    <span className={`connection-bars ${quality}`} role="img" aria-label={text} title={text}>
      {[1, 2, 3].map((bar) => (
        <i key={bar} className={bar <= BARS[quality] ? 'lit' : undefined} />
      ))}
    </span>
  );
}
