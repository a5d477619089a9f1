import { useRef, useState } from 'react';
import { DeleteDialog } from './delete-dialog';
import './recording.css';
import { RecordingCard } from './recording-card';
import type { Recordings, Seen, Shelf } from './recordings';

/** All recordings of a room, newest first; the newest lies open. */
export function RecordingList({ recordings, shelf }: { recordings: Recordings; shelf: Shelf }) {
  const [doomed, setDoomed] = useState<Seen>();
  const list = useRef<HTMLOListElement>(null);
  const { all, problem } = shelf;
  const onDeleted = () => {
    setDoomed(undefined);
    // The button that had the focus is gone.
    list.current?.focus();
  };

  return (
    <>
      {problem && (
        <p className="notice danger recordings-problem" role="alert">
          {problem}
        </p>
      )}
      {all?.length === 0 && <p className="panel-empty">No recordings of this room yet.</p>}
      <ol className="recordings" ref={list} tabIndex={-1} aria-label="Recordings" aria-busy={!all && !problem}>
        {all?.map((recording, i) => (
          <RecordingCard
            key={recording.id}
            recording={recording}
            recordings={recordings}
            initiallyOpen={i === 0}
            onDelete={() => setDoomed(recording)}
          />
        ))}
      </ol>
      {doomed && <DeleteDialog recording={doomed} recordings={recordings} onDeleted={onDeleted} onClose={() => setDoomed(undefined)} />}
    </>
  );
}
