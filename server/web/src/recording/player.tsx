import { useEffect, useRef, useState } from 'react';
import { labelOf, type RecordingFile } from './recording';

interface Props {
  file: RecordingFile;
  /** Whether somebody asked for it. */
  autoPlay: boolean;
  source: string;
}

/** Plays a file. */
export function Player({ file, autoPlay, source }: Props) {
  // A newer token makes another address of the same file, and that would start it again.
  const [from] = useState(() => withStart(source, file));
  const [fails, setFails] = useState(false);
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (autoPlay) place.current?.scrollIntoView({ block: 'nearest' });
  }, [autoPlay]);

  const given = {
    src: from,
    controls: true,
    autoPlay,
    preload: 'metadata',
    'aria-label': `${labelOf(file)}${file.name ? ` of ${file.name}` : ''}`,
    onError: () => setFails(true),
    onPlaying: () => setFails(false),
  };
  return (
    <div className={`player ${file.kind}`} ref={place}>
      {file.kind === 'audio' ? <audio {...given} /> : <video {...given} playsInline />}
      {fails && (
        <p className="notice danger" role="alert">
          This browser cannot play the file ({file.codec}). Download it and use a player such as VLC.
        </p>
      )}
    </div>
  );
}

/** All files of a recording have the same time zero, and who came later has nothing to play before. */
function withStart(source: string, { start = 0 }: RecordingFile): string {
  return start > 1 ? `${source}#t=${start.toFixed(2)}` : source;
}
