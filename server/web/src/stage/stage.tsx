import { useTracks } from '@livekit/components-react';
import { Track } from 'livekit-client';
import { Grid } from './grid';
import { withoutDoubles } from './mix';
import { SpeakerView } from './speaker-view';
import './stage.css';

export type View = 'grid' | 'speaker';

const SOURCES = [
  { source: Track.Source.Camera, withPlaceholder: true },
  { source: Track.Source.ScreenShare, withPlaceholder: false },
];

/** The pictures of the conference. */
export function Stage(props: { view: View; pinned: string | undefined; onPin: (key: string) => void }) {
  const tracks = withoutDoubles(useTracks(SOURCES, { onlySubscribed: false }));
  const { view, ...rest } = props;
  return (
    <main className="stage" aria-label="Participants">
      {view === 'grid' ? <Grid tracks={tracks} {...rest} /> : <SpeakerView tracks={tracks} {...rest} />}
    </main>
  );
}
