import { expect, test } from 'vitest';
import { makeRoomCode, readRoomCode } from './room-code';

test('a code is three groups of four letters', () => {
  for (let i = 0; i < 100; i++) expect(makeRoomCode()).toMatch(/^[a-z]{4}-[a-z]{4}-[a-z]{4}$/);
});

test('codes do not repeat', () => {
  const codes = new Set(Array.from({ length: 1000 }, () => makeRoomCode()));

  expect(codes.size).toBe(1000);
});

test('reads a code, with spaces around and inside', () => {
  expect(readRoomCode('  lumo tavi reko ')).toEqual({ room: 'lumo-tavi-reko', fragment: '' });
});

test('reads a link and keeps its token', () => {
  expect(readRoomCode('https://meet.example/room/a%20b#token=x.y')).toEqual({ room: 'a b', fragment: '#token=x.y' });
});

test('refuses nothing, and addresses that are no room', () => {
  for (const typed of ['', '   ', 'https://meet.example/']) expect(readRoomCode(typed)).toBeUndefined();
});
