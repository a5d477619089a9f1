import { useSpeakingParticipants, type TrackReferenceOrPlaceholder } from '@livekit/components-react';
import { Track } from 'livekit-client';
import { useState } from 'react';
import { Tile, tileKey } from './tile';

interface Props {
  tracks: TrackReferenceOrPlaceholder[];
  pinned: string | undefined;
  onPin: (key: string) => void;
}

/** One large picture - what is pinned, else a shared screen, else who spoke last - and the others in a strip. */
export function SpeakerView({ tracks, pinned, onPin }: Props) {
  const main = useMainTrack(tracks, pinned);
  const others = tracks.filter((track) => track !== main);
  return (
    <div className={`speaker-view${others.length ? '' : ' alone'}`}>
      {main && <Tile key={tileKey(main)} track={main} pinned={tileKey(main) === pinned} onPin={onPin} />}
      {others.length > 0 && (
        <div className="strip" tabIndex={-1}>
          {others.map((track) => (
            <Tile key={tileKey(track)} track={track} pinned={false} onPin={onPin} />
          ))}
        </div>
      )}
    </div>
  );
}

function useMainTrack(tracks: TrackReferenceOrPlaceholder[], pinned: string | undefined): TrackReferenceOrPlaceholder | undefined {
  const speaker = useLastSpeaker();
  const screens = tracks.filter((track) => track.source === Track.Source.ScreenShare);
  const cameras = tracks.filter((track) => track.source === Track.Source.Camera);
  return (
    tracks.find((track) => tileKey(track) === pinned) ??
    screens.find((track) => !track.participant.isLocal) ??
    screens[0] ??
    cameras.find((track) => track.participant.identity === speaker) ??
    cameras.find((track) => !track.participant.isLocal) ??
    cameras[0]
  );
}

/** Who of the others spoke last: your own voice does not put you in the middle. */
function useLastSpeaker(): string | undefined {
  const now = useSpeakingParticipants().find((participant) => !participant.isLocal)?.identity;
  const [last, setLast] = useState<string>();
  if (now && now !== last) setLast(now);
  return now ?? last;
}
