import { useEffect, useState } from 'react';
import { roomPath, useReloadOnNewToken } from '../navigation';
import { recall } from '../prejoin/choices';
import { Problem } from '../server/problem';
import { mayRecord, requestGuestToken, takeTokenFromAddress } from '../server/token';
import { useConfig } from '../server/use-config';
import { Brand } from '../ui/brand';
import { Message } from '../ui/message';
import { Toasts } from '../ui/toasts';
import { Unreachable } from '../ui/unreachable';
import { RecordingList } from './recording-list';
import { Recordings } from './recordings';
import './recordings-page.css';
import { useFreshness, useShelf } from './use-recordings';

/** Everything at `/recordings/{room}`: what has been recorded of a room, without going into it. */
export function RecordingsPage({ roomName }: { roomName: string }) {
  const [given] = useState(() => takeTokenFromAddress(roomName));
  const config = useConfig();
  const token = useToken(roomName, given, config);
  useReloadOnNewToken();
  useEffect(() => {
    document.title = `Recordings of ${roomName} · Plenary`;
  }, [roomName]);

  if (token === undefined) return config === 'unreachable' ? <Unreachable /> : null;
  if (token instanceof Problem || !mayRecord(token, roomName)) {
    return (
      <Message title="These recordings are not for everyone">
        <p>
          To see what was recorded of <strong>{roomName}</strong> you need a link that also lets you record it.
        </p>
        {token instanceof Problem && <p role="alert">{token.message}</p>}
        <a className="button" href={roomPath(roomName)}>
          Go to the room
        </a>
      </Message>
    );
  }
  return <Shelves roomName={roomName} token={token} />;
}

function Shelves({ roomName, token }: { roomName: string; token: string }) {
  const [recordings] = useState(() => new Recordings(roomName, () => token));
  const shelf = useShelf(recordings);
  useFreshness(recordings, true);
  return (
    <div className="recordings-page">
      <header>
        <Brand />
        <a className="button" href={roomPath(roomName)}>
          Go to the room
        </a>
      </header>
      <main>
        <p className="recordings-over">Recordings of</p>
        <h1>{roomName}</h1>
        <RecordingList recordings={recordings} shelf={shelf} />
      </main>
      <Toasts />
    </div>
  );
}

/** The token of the link, or one that the server gives to guests; a problem if there is none. */
function useToken(roomName: string, given: string | undefined, config: ReturnType<typeof useConfig>): string | Problem | undefined {
  const [token, setToken] = useState<string | Problem | undefined>(given);
  useEffect(() => {
    if (given || config === undefined || config === 'unreachable') return;
    if (!config.guest_tokens) return setToken('');
    let wanted = true;
    requestGuestToken(roomName, recall().name)
      .then((own) => wanted && setToken(own))
      .catch((error: unknown) => wanted && setToken(error instanceof Problem ? error : new Problem(String(error))));
    return () => {
      wanted = false;
    };
  }, [roomName, given, config]);
  return token;
}
