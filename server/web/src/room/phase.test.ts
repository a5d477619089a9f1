import { ConnectionError, DisconnectReason } from 'livekit-client';
import { expect, test } from 'vitest';
import { Problem } from '../server/problem';
import { endingOf, isRefusal, joinProblem } from './phase';

test('a server that goes away is no ending: we try to come back', () => {
  for (const reason of [DisconnectReason.SERVER_SHUTDOWN, DisconnectReason.SIGNAL_CLOSE, DisconnectReason.UNKNOWN_REASON, undefined]) {
    expect(endingOf(reason)).toBeUndefined();
  }
});

test('what the server means is final', () => {
  expect(endingOf(DisconnectReason.PARTICIPANT_REMOVED)).toBe('removed');
  expect(endingOf(DisconnectReason.ROOM_DELETED)).toBe('closed');
  expect(endingOf(DisconnectReason.DUPLICATE_IDENTITY)).toBe('duplicate');
});

test('a refused token is a refusal, a silent or busy server is not', () => {
  expect(isRefusal(ConnectionError.notAllowed('expired', 401))).toBe(true);
  expect(isRefusal(new Problem('not for guests', 403))).toBe(true);

  expect(isRefusal(ConnectionError.serverUnreachable('gone'))).toBe(false);
  expect(isRefusal(new Problem('no answer'))).toBe(false);
  expect(isRefusal(new Problem('slow down', 429))).toBe(false);
  expect(isRefusal(new Problem('draining', 503))).toBe(false);
});

test('a refusal repeats what the server said', () => {
  const refusal = ConnectionError.notAllowed('could not establish signal connection: the token has expired.', 401);

  expect(joinProblem(refusal)).toBe('The server does not accept this invitation: the token has expired. Ask for a new link.');
});
