import { ConnectionError, ConnectionErrorReason, DisconnectReason } from 'livekit-client';
import { Problem } from '../server/problem';

/** Where someone is on the way into and out of a room. */
export type Phase =
  | { kind: 'prejoin'; problem?: string }
  | { kind: 'joining' }
  | { kind: 'joined' }
  /** The connection is gone and we try to come back; `retryAt` is absent while a try is under way. */
  | { kind: 'lost'; retryAt?: number }
  | { kind: 'ended'; ending: Ending; detail?: string };

export type Ending = 'left' | 'removed' | 'closed' | 'duplicate' | 'refused';

/** The endings that the server means; after any other disconnect it is worth trying to come back. */
export function endingOf(reason: DisconnectReason | undefined): Ending | undefined {
  switch (reason) {
    case DisconnectReason.CLIENT_INITIATED:
      return 'left';
    case DisconnectReason.PARTICIPANT_REMOVED:
      return 'removed';
    case DisconnectReason.ROOM_DELETED:
    case DisconnectReason.ROOM_CLOSED:
      return 'closed';
    case DisconnectReason.DUPLICATE_IDENTITY:
      return 'duplicate';
    default:
      return undefined;
  }
}

/** Whether the server answered and said no to this token, so that trying again with it is useless. */
export function isRefusal(error: unknown): boolean {
  if (error instanceof ConnectionError) {
    if (error.reason === ConnectionErrorReason.LeaveRequest) return endingOf(error.context) !== undefined;
    return error.reason === ConnectionErrorReason.NotAllowed;
  }
  return error instanceof Problem && !error.unreachable && error.status !== 429;
}

/** Why joining failed, in words for the person at the screen. */
export function joinProblem(error: unknown): string {
  if (error instanceof Problem) return error.message;
  if (!(error instanceof ConnectionError)) return `Joining failed: ${error instanceof Error ? error.message : 'unknown reason'}`;
  switch (error.reason) {
    case ConnectionErrorReason.NotAllowed:
      return `The server does not accept this invitation: ${reasonIn(error.message)}. Ask for a new link.`;
    case ConnectionErrorReason.ServerUnreachable:
    case ConnectionErrorReason.WebSocket:
      return 'The server does not answer. Check your connection and try again.';
    case ConnectionErrorReason.Timeout:
    case ConnectionErrorReason.InternalError:
      return 'The server answers, but the connection for sound and picture does not come up. A firewall may be blocking it.';
    case ConnectionErrorReason.LeaveRequest:
      return error.context === DisconnectReason.ROOM_CLOSED || error.context === DisconnectReason.ROOM_DELETED
        ? 'This room has just been closed.'
        : 'The server ended the connection. Try again.';
    default:
      return `Joining failed: ${error.message}`;
  }
}

/** The server's own words, without the SDK's before them and the full stop after them. */
function reasonIn(message: string): string {
  return message.replace(/^could not establish signal connection: /, '').replace(/\.$/, '');
}
