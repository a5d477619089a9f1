import { createAudioAnalyser, type LocalAudioTrack } from 'livekit-client';
import { useEffect, useRef } from 'react';

const BARS = 12;
const UPDATE_MS = 80;

/** Shows that the microphone hears something. */
export function LevelMeter({ track }: { track: LocalAudioTrack | undefined }) {
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!track) return;
    const { calculateVolume, cleanup } = createAudioAnalyser(track, { smoothingTimeConstant: 0.6 });
    const timer = setInterval(() => {
      const lit = Math.min(BARS, Math.round(calculateVolume() * BARS * 1.5));
      element.current?.style.setProperty('--lit', String(lit));
    }, UPDATE_MS);
    return () => {
      clearInterval(timer);
      void cleanup();
    };
  }, [track]);

  return (
    <div ref={element} className="level-meter" aria-hidden="true">
      {Array.from({ length: BARS }, (_, i) => (
        <i key={i} style={{ '--bar': i } as React.CSSProperties} />
      ))}
    </div>
  );
}
