import { useConnectionState } from '@livekit/components-react';
import { ConnectionState } from 'livekit-client';
import { useSyncExternalStore } from 'react';
import type { RoomConnection } from './connection';

/** Says that the connection is gone and that somebody is working on it. */
export function ConnectionNotice({ connection }: { connection: RoomConnection }) {
  const phase = useSyncExternalStore(connection.subscribe, () => connection.phase);
  const state = useConnectionState(connection.room);

  if (phase.kind === 'lost') {
    return (
      <div className="connection-notice gone" role="alert">
        <span className="spinner" />
        <p>
          <strong>The server is gone.</strong> Trying to bring you back into the room…
        </p>
        <button className="button" onClick={() => connection.retryNow()} disabled={phase.retryAt === undefined}>
          Try now
        </button>
      </div>
    );
  }
  if (state === ConnectionState.Reconnecting || state === ConnectionState.SignalReconnecting) {
    return (
      <div className="connection-notice" role="status">
        <span className="spinner" />
        <p>
          <strong>Connection lost.</strong> Reconnecting…
        </p>
      </div>
    );
  }
  return null;
}
