import { useAudioPlayback, useRoomContext } from '@livekit/components-react';

/** Browsers play sound only after a gesture; this asks for one where joining was none. */
export function SoundNotice() {
  const { canPlayAudio, startAudio } = useAudioPlayback(useRoomContext());
  if (canPlayAudio) return null;
  return (
    <div className="connection-notice" role="status">
      <p>The browser holds back the sound.</p>
      <button className="button primary" onClick={() => void startAudio()}>
        Turn the sound on
      </button>
    </div>
  );
}
