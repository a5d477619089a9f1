import { useEffect, useState, useSyncExternalStore } from 'react';
import { Prejoin } from '../prejoin/prejoin';
import { useConfig } from '../server/use-config';
import { claimsOf, takeTokenFromAddress } from '../server/token';
import { Message } from '../ui/message';
import { Toasts } from '../ui/toasts';
import { Conference } from './conference';
import { RoomConnection } from './connection';
import { Ended } from './ended';
import { givenToken, guestTokens } from './token-source';

/** Everything at `/room/{name}`: finds out how to get a token, then leads through the room. */
export function RoomPage({ roomName }: { roomName: string }) {
  const config = useConfig();
  const [token] = useState(() => takeTokenFromAddress(roomName));
  useReloadOnNewToken();
  useEffect(() => {
    document.title = `${roomName} · Plenary`;
  }, [roomName]);

  const guests = config !== undefined && config !== 'unreachable' && config.guest_tokens;
  if (token || guests) return <RoomVisit roomName={roomName} token={token} guests={guests} />;
  if (config === undefined) return null;
  if (config === 'unreachable') {
    return (
      <Message title="The server does not answer">
        <p role="alert">Check your connection. This page keeps trying, and goes on by itself when the server is back.</p>
      </Message>
    );
  }
  return (
    <Message title="This room is by invitation">
      <p>
        To join <strong>{roomName}</strong> you need the link that its host gave you; it holds your invitation. The bare address is not
        enough.
      </p>
      <a className="button" href="/">
        Go to the start page
      </a>
    </Message>
  );
}

function RoomVisit({ roomName, token, guests }: { roomName: string; token: string | undefined; guests: boolean }) {
  const [connection] = useState(() => new RoomConnection(token ? givenToken(token) : guestTokens(roomName)));
  const phase = useSyncExternalStore(connection.subscribe, () => connection.phase);
  useEffect(() => () => connection.dispose(), [connection]);
  const claims = token ? claimsOf(token) : undefined;

  switch (phase.kind) {
    case 'prejoin':
    case 'joining':
      return (
        <Prejoin
          roomName={claims?.room ?? roomName}
          fixedName={claims && (claims.name ?? claims.identity ?? 'guest')}
          problem={phase.kind === 'prejoin' ? phase.problem : undefined}
          joining={phase.kind === 'joining'}
          onJoin={(choices) => void connection.join(choices)}
        />
      );
    case 'joined':
    case 'lost':
      return (
        <>
          <Conference connection={connection} roomName={claims?.room ?? roomName} shareable={guests} />
          <Toasts />
        </>
      );
    case 'ended':
      return <Ended ending={phase.ending} detail={phase.detail} />;
  }
}

/** A link with a new token opened in this tab changes only the fragment, which loads nothing by itself. */
function useReloadOnNewToken(): void {
  useEffect(() => {
    const onHashChange = () => location.hash.includes('token=') && location.reload();
    window.addEventListener('hashchange', onHashChange);
    return () => window.removeEventListener('hashchange', onHashChange);
  }, []);
}
