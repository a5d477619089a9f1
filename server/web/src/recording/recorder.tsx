import { useState, type MouseEvent } from 'react';
import { PauseIcon, RecordIcon, ResumeIcon, StopIcon } from '../ui/icons';
import { toast } from '../ui/toasts';
import { ElapsedTime } from './elapsed-time';
import { STATES } from './recording';
import { messageOf, type Recordings, type Seen } from './recordings';

/** Starts, pauses and stops the recording of the room. */
export function Recorder({ recordings, running }: { recordings: Recordings; running: Seen | undefined }) {
  const [busy, setBusy] = useState(false);
  const paused = running?.state === 'paused';

  /** A button stays where it is and keeps the focus while what it does changes, so the second click of two is not for it. */
  const does = (deed: () => Promise<void>) => async (event: MouseEvent) => {
    if (busy || event.detail > 1) return;
    setBusy(true);
    try {
      await deed();
    } catch (error) {
      toast(messageOf(error), 'problem');
      await recordings.refresh();
    } finally {
      setBusy(false);
    }
  };
  const startOrStop = does(() => (running ? recordings.stop(running.id) : recordings.start()));
  const pauseOrResume = does(async () => running && recordings.setPaused(running.id, !paused));

  return (
    <section className={`recorder${running ? ' running' : ''}${paused ? ' paused' : ''}`} aria-label="Recorder" aria-busy={busy}>
      {running ? (
        <p className="recorder-state">
          <span className="recording-dot" />
          {STATES[running.state]}
          <ElapsedTime recording={running} />
        </p>
      ) : (
        <p className="recorder-state off">Everyone in the room is told when a recording starts.</p>
      )}
      <div className="recorder-buttons">
        <button className={`button ${running ? 'danger' : 'primary'}`} onClick={(event) => void startOrStop(event)}>
          {running ? <StopIcon /> : <RecordIcon />}
          {running ? 'Stop' : 'Start recording'}
        </button>
        {running && (
          <button className="button" onClick={(event) => void pauseOrResume(event)}>
            {paused ? <ResumeIcon /> : <PauseIcon />}
            {paused ? 'Resume' : 'Pause'}
          </button>
        )}
      </div>
    </section>
  );
}
