import { recordingsPath } from '../navigation';
import { Message } from '../ui/message';
import type { Ending } from './phase';

const WORDS: Record<Ending, { title: string; text: string }> = {
  left: { title: 'You left the room', text: 'Camera and microphone are off. You can come back whenever you like.' },
  removed: { title: 'You were removed from the room', text: 'Someone who runs this room ended your visit.' },
  closed: { title: 'The room was closed', text: 'The conference is over for everyone.' },
  duplicate: {
    title: 'You joined somewhere else',
    text: 'The same invitation is in use in another tab or on another device, and only one of them can be in the room.',
  },
  refused: { title: 'The server did not let you back in', text: 'Your invitation is no longer accepted.' },
};

interface Props {
  ending: Ending;
  detail: string | undefined;
  /** The room, if this person may see what was recorded of it. */
  recordingsOf: string | undefined;
}

/** After the room: says why, and how to go on. */
export function Ended({ ending, detail, recordingsOf }: Props) {
  const { title, text } = WORDS[ending];
  return (
    <Message title={title}>
      <p>{detail ?? text}</p>
      <div className="button-row">
        {ending !== 'closed' && (
          <button className="button primary" onClick={() => location.reload()}>
            {ending === 'duplicate' ? 'Use it here' : 'Join again'}
          </button>
        )}
        {recordingsOf && (
          <a className="button" href={recordingsPath(recordingsOf)}>
            See recordings
          </a>
        )}
        <a className="button" href="/">
          Go to the start page
        </a>
      </div>
    </Message>
  );
}
