import { recordingsPath } from '../navigation';
import { OpenIcon } from '../ui/icons';
import { Panel } from '../ui/panel';
import { Recorder } from './recorder';
import { RecordingList } from './recording-list';
import { runningOf, type Recordings } from './recordings';
import { useShelf } from './use-recordings';

interface Props {
  recordings: Recordings;
  /** The token that came with the link, which the page of recordings needs as well. */
  invitation: string | undefined;
  onClose: () => void;
}

/** Records the room, and shows what has been recorded of it. */
export function RecordingsPanel({ recordings, invitation, onClose }: Props) {
  const shelf = useShelf(recordings);
  // Not as a link, which would give the token away to whoever gets a copy.
  const openPage = () => {
    const token = invitation ? `#token=${invitation}` : '';
    window.open(recordingsPath(recordings.room) + token, '_blank', 'noopener');
  };
  return (
    <Panel title="Recordings" onClose={onClose}>
      <Recorder recordings={recordings} running={runningOf(shelf)} />
      <div className="recordings-scroll">
        <RecordingList recordings={recordings} shelf={shelf} />
      </div>
      <button className="recordings-open" onClick={openPage}>
        <OpenIcon />
        Open on a page of its own
      </button>
    </Panel>
  );
}
