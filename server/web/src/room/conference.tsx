import { RoomAudioRenderer, RoomContext, useTracks } from '@livekit/components-react';
import { Track } from 'livekit-client';
import { useCallback, useEffect, useState } from 'react';
import { ChatPanel } from '../chat/chat-panel';
import { useUnread } from '../chat/use-unread';
import { PeoplePanel } from '../people/people-panel';
import { useKnowledge } from '../recording/knowledge';
import { RecordingBadge } from '../recording/recording-badge';
import { RecordingNotice } from '../recording/recording-notice';
import { Recordings, runningOf } from '../recording/recordings';
import { RecordingsPanel } from '../recording/recordings-panel';
import { useFreshness, useShelf } from '../recording/use-recordings';
import { mayRecord } from '../server/token';
import { SettingsDialog } from '../settings/settings-dialog';
import { useShortcuts, type Actions } from '../settings/shortcuts';
import { ShortcutsDialog } from '../settings/shortcuts-dialog';
import { Stage, type View } from '../stage/stage';
import { ConnectionNotice } from './connection-notice';
import type { RoomConnection } from './connection';
import './conference.css';
import { Controls, type PanelName } from './controls';
import { Header } from './header';
import { SoundNotice } from './sound-notice';
import { useAnnouncements } from './use-announcements';

interface Props {
  connection: RoomConnection;
  roomName: string;
  /** Whether the bare link lets others in, so that it makes sense to copy it. */
  shareable: boolean;
  /** The token that came with the link. */
  invitation: string | undefined;
}

/** The room itself. */
export function Conference(props: Props) {
  return (
    <RoomContext.Provider value={props.connection.room}>
      <ConferenceLayout {...props} />
    </RoomContext.Provider>
  );
}

function ConferenceLayout({ connection, roomName, shareable, invitation }: Props) {
  const [view, setView] = useView();
  const [pinned, setPinned] = useState<string>();
  const [panel, setPanel] = useState<PanelName>();
  const [dialog, setDialog] = useState<'devices' | 'shortcuts'>();
  const unread = useUnread(connection.chat, panel === 'chat');
  useAnnouncements(connection.room);
  const [knowledge, setKnowledge] = useKnowledge(connection.room);
  const [recordings] = useState(() => new Recordings(roomName, () => connection.token));
  const records = mayRecord(connection.token, roomName);
  const isRecorded = knowledge !== 'not recorded';
  useFreshness(recordings, records && (isRecorded || panel === 'recordings'), knowledge);
  const running = runningOf(useShelf(recordings));

  const togglePanel = (which: PanelName) => setPanel((open) => (open === which ? undefined : which));
  const onPin = useCallback(
    (key: string) => {
      setPinned((before) => (before === key ? undefined : key));
      setView('speaker');
    },
    [setView],
  );
  const { localParticipant } = connection.room;
  const actions: Actions = {
    microphone: () => void connection.setMicrophone(!localParticipant.isMicrophoneEnabled),
    camera: () => void connection.setCamera(!localParticipant.isCameraEnabled),
    screen: () => void connection.setScreenShare(!localParticipant.isScreenShareEnabled),
    chat: () => togglePanel('chat'),
    people: () => togglePanel('people'),
    recordings: records ? () => togglePanel('recordings') : undefined,
    view: () => setView(view === 'grid' ? 'speaker' : 'grid'),
    help: () => setDialog('shortcuts'),
  };
  useShortcuts(actions);

  return (
    <div className={`conference${panel ? ' with-panel' : ''}`}>
      <Header
        roomName={roomName}
        shareable={shareable}
        view={view}
        onView={actions.view}
        onDevices={() => setDialog('devices')}
        onShortcuts={actions.help}
      >
        {isRecorded && <RecordingBadge running={running} onOpen={records ? () => setPanel('recordings') : undefined} />}
      </Header>
      <ConnectionNotice connection={connection} />
      <SoundNotice />
      <Stage view={view} pinned={pinned} onPin={onPin} />
      {knowledge === 'untold' && <RecordingNotice onUnderstood={() => setKnowledge('told')} />}
      {panel === 'chat' && <ChatPanel chat={connection.chat} onClose={() => setPanel(undefined)} />}
      {panel === 'people' && <PeoplePanel onClose={() => setPanel(undefined)} />}
      {panel === 'recordings' && <RecordingsPanel recordings={recordings} invitation={invitation} onClose={() => setPanel(undefined)} />}
      <Controls actions={actions} panel={panel} unread={unread} onLeave={() => void connection.leave()} />
      <RoomAudioRenderer />
      {dialog === 'devices' && <SettingsDialog onClose={() => setDialog(undefined)} />}
      {dialog === 'shortcuts' && <ShortcutsDialog actions={actions} onClose={() => setDialog(undefined)} />}
    </div>
  );
}

/** The chosen view. A shared screen brings up the speaker view; when it ends, the view before it is back. */
function useView(): [View, (view: View) => void] {
  const [chosen, choose] = useState<View>('grid');
  const [whileSharing, chooseWhileSharing] = useState<View>('speaker');
  const sharing = useTracks([Track.Source.ScreenShare], { onlySubscribed: false }).length > 0;
  useEffect(() => {
    if (!sharing) chooseWhileSharing('speaker');
  }, [sharing]);
  return sharing ? [whileSharing, chooseWhileSharing] : [chosen, choose];
}
