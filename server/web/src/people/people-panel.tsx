import { useIsMuted, useIsSpeaking, useParticipantInfo, useParticipants } from '@livekit/components-react';
import { Track, type Participant } from 'livekit-client';
import { Avatar } from '../stage/avatar';
import { ConnectionBars } from '../stage/connection-bars';
import { isMix } from '../stage/mix';
import { CameraIcon, CameraOffIcon, MicrophoneIcon, MicrophoneOffIcon, ScreenIcon } from '../ui/icons';
import { Panel } from '../ui/panel';
import './people.css';

/** Everyone in the room, and what each of them has on. */
export function PeoplePanel({ onClose }: { onClose: () => void }) {
  const participants = useParticipants().filter((participant) => !isMix(participant));
  return (
    <Panel title={`People (${participants.length})`} onClose={onClose}>
      <ul className="people">
        {participants.map((participant) => (
          <Person key={participant.identity} participant={participant} />
        ))}
      </ul>
    </Panel>
  );
}

function Person({ participant }: { participant: Participant }) {
  const { name } = useParticipantInfo({ participant });
  const speaking = useIsSpeaking(participant);
  const microphoneOff = useIsMuted({ participant, source: Track.Source.Microphone });
  const cameraOff = useIsMuted({ participant, source: Track.Source.Camera });
  const shown = name || participant.identity;

  return (
    <li className={speaking ? 'speaking' : undefined} data-identity={participant.identity}>
      <Avatar identity={participant.identity} name={shown} />
      <span className="person-name">
        {shown}
        {participant.isLocal && <small> (you)</small>}
      </span>
      {participant.isScreenShareEnabled && <State on label="Shares the screen" icon={<ScreenIcon />} />}
      <State on={!microphoneOff} label={microphoneOff ? 'Muted' : 'Microphone on'} icon={microphoneOff ? <MicrophoneOffIcon /> : <MicrophoneIcon />} />
      <State on={!cameraOff} label={cameraOff ? 'Camera off' : 'Camera on'} icon={cameraOff ? <CameraOffIcon /> : <CameraIcon />} />
      <ConnectionBars participant={participant} />
    </li>
  );
}

function State({ on, label, icon }: { on: boolean; label: string; icon: React.ReactNode }) {
  return (
    <span className={`person-state${on ? '' : ' off'}`} role="img" aria-label={label} title={label}>
      {icon}
    </span>
  );
}
