import { useLocalParticipant, useLocalParticipantPermissions } from '@livekit/components-react';
import type { ReactNode } from 'react';
import type { Actions } from '../settings/shortcuts';
import { CameraIcon, CameraOffIcon, ChatIcon, LeaveIcon, MicrophoneIcon, MicrophoneOffIcon, PeopleIcon, RecordIcon, ScreenIcon } from '../ui/icons';

export type PanelName = 'chat' | 'people' | 'recordings';

interface Props {
  actions: Actions;
  panel: PanelName | undefined;
  unread: number;
  onLeave: () => void;
}

const canShareScreen = Boolean(globalThis.navigator?.mediaDevices && 'getDisplayMedia' in navigator.mediaDevices);

/** The bar below the stage. Every button's name stays the same; whether it is on is its pressed state. */
export function Controls({ actions, panel, unread, onLeave }: Props) {
  const { isMicrophoneEnabled, isCameraEnabled, isScreenShareEnabled } = useLocalParticipant();
  const mayPublish = useLocalParticipantPermissions()?.canPublish !== false;

  return (
    <nav className="controls" aria-label="Controls">
      {mayPublish ? (
        <div className="control-group">
          <Control kind="device" label="Microphone" shortcut="m" on={isMicrophoneEnabled} onClick={actions.microphone}>
            {isMicrophoneEnabled ? <MicrophoneIcon /> : <MicrophoneOffIcon />}
          </Control>
          <Control kind="device" label="Camera" shortcut="v" on={isCameraEnabled} onClick={actions.camera}>
            {isCameraEnabled ? <CameraIcon /> : <CameraOffIcon />}
          </Control>
          {canShareScreen && (
            <Control kind="screen" label="Share screen" shortcut="s" on={isScreenShareEnabled} onClick={actions.screen}>
              <ScreenIcon />
            </Control>
          )}
        </div>
      ) : (
        <p className="control-note">You are here to watch and listen.</p>
      )}
      <div className="control-group">
        <Control kind="panel" label="Chat" shortcut="c" on={panel === 'chat'} onClick={actions.chat}>
          <ChatIcon />
          {unread > 0 && (
            <span className="badge">
              {unread > 99 ? '99+' : unread}
              <span className="visually-hidden"> unread</span>
            </span>
          )}
        </Control>
        <Control kind="panel" label="People" shortcut="p" on={panel === 'people'} onClick={actions.people}>
          <PeopleIcon />
        </Control>
        {actions.recordings && (
          <Control kind="panel" label="Recordings" shortcut="r" on={panel === 'recordings'} onClick={actions.recordings}>
            <RecordIcon />
          </Control>
        )}
      </div>
      <button className="control control-leave" onClick={onLeave} aria-label="Leave" title="Leave the room">
        <LeaveIcon />
        <span className="wide-only">Leave</span>
      </button>
    </nav>
  );
}

function Control(props: {
  kind: 'device' | 'screen' | 'panel';
  label: string;
  shortcut: string;
  on: boolean;
  onClick: () => void;
  children: ReactNode;
}) {
  const { kind, label, shortcut, on, onClick, children } = props;
  return (
    <button
      className={`control control-${kind}`}
      aria-label={label}
      aria-pressed={on}
      aria-keyshortcuts={shortcut}
      title={`${label} (${shortcut.toUpperCase()})`}
      onClick={onClick}
    >
      {children}
    </button>
  );
}
