import { expect, test } from 'vitest';
import { claimsOf, mayRecord } from './token';

test('reads name, identity and room, with letters beyond ASCII', () => {
  const token = tokenWith({ sub: 'p1', name: 'Zoë', video: { room: 'blau' } });

  expect(claimsOf(token)).toEqual({ identity: 'p1', name: 'Zoë', room: 'blau', records: false });
});

test('knows nothing about text that is not a token', () => {
  for (const text of ['', 'abc', 'a.b.c', 'a.bnVsbA.c']) expect(claimsOf(text)).toEqual({});
});

test('a token for recording names one room, or is for all', () => {
  expect(mayRecord(tokenWith({ video: { roomRecord: true, room: 'blau' } }), 'blau')).toBe(true);
  expect(mayRecord(tokenWith({ video: { roomRecord: true } }), 'blau')).toBe(true);

  expect(mayRecord(tokenWith({ video: { roomRecord: true, room: 'rot' } }), 'blau')).toBe(false);
  expect(mayRecord(tokenWith({ video: { roomJoin: true, room: 'blau' } }), 'blau')).toBe(false);
  expect(mayRecord(tokenWith({ video: { roomRecord: 'true', room: 'blau' } }), 'blau')).toBe(false);
  expect(mayRecord('not a token', 'blau')).toBe(false);
  expect(mayRecord(undefined, 'blau')).toBe(false);
});

function tokenWith(claims: object): string {
  const bytes = new TextEncoder().encode(JSON.stringify(claims));
  const payload = btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  return `header.${payload}.signature`;
}
