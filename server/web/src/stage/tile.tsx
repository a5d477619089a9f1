import {
  isTrackReference,
  useIsMuted,
  useIsSpeaking,
  useParticipantInfo,
  VideoTrack,
  type TrackReferenceOrPlaceholder,
} from '@livekit/components-react';
import { Track } from 'livekit-client';
import { memo } from 'react';
import { MicrophoneOffIcon, PinIcon, ScreenIcon } from '../ui/icons';
import { Avatar } from './avatar';
import { ConnectionBars } from './connection-bars';
import { isMix } from './mix';

interface Props {
  track: TrackReferenceOrPlaceholder;
  pinned: boolean;
  onPin: (key: string) => void;
}

/** What names a tile: a participant and whether it is the camera or the screen. */
export function tileKey({ participant, source }: TrackReferenceOrPlaceholder): string {
  return `${participant.identity}/${source}`;
}

/** One participant's camera, or initials in its place, or a shared screen. */
export const Tile = memo(function Tile({ track, pinned, onPin }: Props) {
  const { participant, source } = track;
  const { name } = useParticipantInfo({ participant });
  const speaking = useIsSpeaking(participant);
  const cameraOff = useIsMuted(track);
  const microphoneOff = useIsMuted({ participant, source: Track.Source.Microphone });
  const shown = name || participant.identity;
  const isScreen = source === Track.Source.ScreenShare;
  const showsAll = isScreen || isMix(participant);
  const label = isMix(participant) ? 'Everyone' : isScreen ? `${shown}'s screen` : participant.isLocal ? `${shown} (you)` : shown;
  const showsVideo = isTrackReference(track) && !cameraOff;

  return (
    <article
      className={`tile${showsAll ? ' screen' : ''}${speaking && !isScreen ? ' speaking' : ''}`}
      aria-label={[label, !isScreen && !showsVideo && 'camera off', !isScreen && microphoneOff && 'muted'].filter(Boolean).join(', ')}
      data-identity={participant.identity}
      data-name={shown}
      data-source={source}
      onDoubleClick={() => onPin(tileKey(track))}
    >
      {showsVideo ? (
        <VideoTrack trackRef={track} className={participant.isLocal && !isScreen ? 'mirrored' : undefined} />
      ) : (
        <Avatar identity={participant.identity} name={shown} />
      )}
      <footer className="tile-foot">
        <span className="tile-name">
          {isScreen ? <ScreenIcon /> : microphoneOff && <MicrophoneOffIcon />}
          <span>{label}</span>
        </span>
        {!isScreen && <ConnectionBars participant={participant} />}
      </footer>
      <button
        className="icon-button small tile-pin"
        aria-pressed={pinned}
        aria-label={pinned ? `Unpin ${label}` : `Pin ${label}`}
        title={pinned ? 'Unpin' : 'Pin'}
        onClick={() => onPin(tileKey(track))}
      >
        <PinIcon />
      </button>
    </article>
  );
});
