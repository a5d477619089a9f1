import { useState } from 'react';
import { Dialog } from '../ui/dialog';
import { messageOf, type Recordings, type Seen } from './recordings';
import { clockTime, moment, size } from './words';

interface Props {
  recording: Seen;
  recordings: Recordings;
  onDeleted: () => void;
  onClose: () => void;
}

/** Asks before a recording goes for good. */
export function DeleteDialog({ recording, recordings, onDeleted, onClose }: Props) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const remove = async () => {
    if (busy) return;
    setBusy(true);
    try {
      await recordings.remove(recording.id);
      onDeleted();
    } catch (error) {
      setProblem(messageOf(error));
      setBusy(false);
    }
  };
  const bytes = recording.files.reduce((sum, file) => sum + file.bytes, 0);

  return (
    <Dialog title="Delete this recording?" onClose={onClose}>
      <p className="delete-what">
        The recording of <strong>{moment(recording.started_at)}</strong> ({clockTime(recording.duration)}, {size(bytes)}) goes with all its
        files. It cannot be brought back.
      </p>
      {problem && (
        <p className="notice danger" role="alert">
          {problem}
        </p>
      )}
      <div className="button-row delete-choice">
        <button className="button" onClick={onClose}>
          Keep it
        </button>
        <button className="button danger" onClick={() => void remove()} aria-busy={busy}>
          Delete
        </button>
      </div>
    </Dialog>
  );
}
