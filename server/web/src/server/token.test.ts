import { expect, test } from 'vitest';
import { claimsOf } from './token';

test('reads name, identity and room, with letters beyond ASCII', () => {
  const token = tokenWith({ sub: 'p1', name: 'Zoë', video: { room: 'blau' } });

  expect(claimsOf(token)).toEqual({ identity: 'p1', name: 'Zoë', room: 'blau' });
});

test('knows nothing about text that is not a token', () => {
  for (const text of ['', 'abc', 'a.b.c', 'a.bnVsbA.c']) expect(claimsOf(text)).toEqual({});
});

function tokenWith(claims: object): string {
  const bytes = new TextEncoder().encode(JSON.stringify(claims));
  const payload = btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  return `header.${payload}.signature`;
}
