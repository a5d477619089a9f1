import { useEffect, useState, useSyncExternalStore } from 'react';
import { useReloadOnNewToken } from '../navigation';
import { Prejoin } from '../prejoin/prejoin';
import { useConfig } from '../server/use-config';
import { claimsOf, mayRecord, takeTokenFromAddress } from '../server/token';
import { Message } from '../ui/message';
import { Toasts } from '../ui/toasts';
import { Unreachable } from '../ui/unreachable';
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
  if (config === 'unreachable') return <Unreachable />;
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
          <Conference connection={connection} roomName={claims?.room ?? roomName} shareable={guests} invitation={token} />
          <Toasts />
        </>
      );
    case 'ended':
      return <Ended ending={phase.ending} detail={phase.detail} recordingsOf={mayRecord(connection.token, roomName) ? roomName : undefined} />;
  }
}
