import { useState } from 'react';
import { Avatar } from '../stage/avatar';
import { CameraIcon, DeleteIcon, DownloadIcon, ForwardIcon, MicrophoneIcon, PlayIcon, ScreenIcon } from '../ui/icons';
import { ElapsedTime } from './elapsed-time';
import { Player } from './player';
import { awaitsComposite, compositesOf, faultOf, filesByPerson, isRunning, labelOf, lengthOf, STATES, type RecordingFile } from './recording';
import type { Recordings, Seen } from './recordings';
import { clockTime, moment, size, spokenTime } from './words';

interface Props {
  recording: Seen;
  recordings: Recordings;
  initiallyOpen: boolean;
  onDelete: () => void;
}

/** One recording: when and how long, and when opened its files to play. */
export function RecordingCard({ recording, recordings, initiallyOpen, onDelete }: Props) {
  // Given once, or a newer recording would close this one.
  const [open] = useState(initiallyOpen);
  const [chosen, choose] = useState<string>();
  const { id, state, started_at, files } = recording;
  const composites = compositesOf(recording);
  const people = filesByPerson(recording);
  const playing = [...composites, ...files].find(({ file }) => file === chosen) ?? composites[0];
  const fault = faultOf(recording);
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const rowOf = (file: RecordingFile, label: string, owner?: string) => (
    <FileRow
      key={file.file}
      file={file}
      label={label}
      owner={owner}
      playing={file === playing}
      onPlay={() => choose(file.file)}
      downloadUrl={recordings.fileUrl(id, file.file, true)}
    />
  );

  return (
    <li>
      <details className="recording" open={open}>
        <summary>
          <h3>
            <time dateTime={started_at}>{moment(started_at)}</time>
          </h3>
          <ForwardIcon />
          <span className="recording-facts">
            <span className={state === 'done' ? 'visually-hidden' : 'recording-state'} data-state={state}>
              {STATES[state]}
            </span>
            {isRunning(recording) ? <ElapsedTime recording={recording} /> : <Length seconds={recording.duration} />}
            {people.length > 0 && <span>{people.length === 1 ? '1 person' : `${people.length} people`}</span>}
            {bytes > 0 && <span>{size(bytes)}</span>}
          </span>
        </summary>
        <div className="recording-body">
          {fault && <p className="notice danger">{fault}</p>}
          {playing && (
            <Player key={playing.file} file={playing} autoPlay={playing.file === chosen} source={recordings.fileUrl(id, playing.file)} />
          )}
          {composites.length > 0 && <ul className="recording-files">{composites.map((file) => rowOf(file, labelOf(file)))}</ul>}
          {!isRunning(recording) && awaitsComposite(recording) && (
            <p className="recording-empty">One film of everyone is being made. It will be here.</p>
          )}
          {people.length === 0 && composites.length === 0 && <p className="recording-empty">Nobody has sent anything that could be recorded.</p>}
          {people.map(({ identity, name, files: own }) => (
            <section key={identity} className="recording-person" aria-label={name}>
              <h4>
                <Avatar identity={identity} name={name} />
                <span>{name}</span>
              </h4>
              <ul className="recording-files">{own.map(({ label, file }) => rowOf(file, label, name))}</ul>
            </section>
          ))}
          {state !== 'finalizing' && !isRunning(recording) && (
            <button className="recording-delete" onClick={onDelete}>
              <DeleteIcon />
              Delete this recording
            </button>
          )}
        </div>
      </details>
    </li>
  );
}

interface RowProps {
  file: RecordingFile;
  label: string;
  owner: string | undefined;
  playing: boolean;
  onPlay: () => void;
  downloadUrl: string;
}

function FileRow({ file, label, owner, playing, onPlay, downloadUrl }: RowProps) {
  const what = owner ? `${label} of ${owner}` : label;
  const empty = file.end === undefined;
  return (
    <li className={playing ? 'playing' : undefined}>
      <button className="file-play" onClick={onPlay} disabled={empty} aria-pressed={playing} aria-label={`Play: ${what}`} title={`Play: ${what}`}>
        {playing ? <PlayIcon /> : iconOf(file)}
      </button>
      <span className="file-label">{label}</span>
      <span className="file-facts">
        {empty ? 'empty' : <Length seconds={lengthOf(file)} />}
        <span>{size(file.bytes)}</span>
      </span>
      <a className="icon-button small" href={downloadUrl} download={file.file} aria-label={`Download: ${what}`} title={`Download: ${what}`}>
        <DownloadIcon />
      </a>
    </li>
  );
}

function Length({ seconds }: { seconds: number }) {
  return (
    <span>
      <span aria-hidden="true">{clockTime(seconds)}</span>
      <span className="visually-hidden">{spokenTime(seconds)}</span>
    </span>
  );
}

function iconOf({ source, kind }: RecordingFile) {
  if (source === 'composite') return <PlayIcon />;
  if (kind === 'audio') return <MicrophoneIcon />;
  return source === 'screen_share' ? <ScreenIcon /> : <CameraIcon />;
}
