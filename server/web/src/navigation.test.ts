import { expect, test } from 'vitest';
import { placeOf, recordingsPath, roomPath } from './navigation';

test('the root is the landing page', () => {
  expect(placeOf('/')).toEqual({ kind: 'landing' });
});

test('a room name survives the way into the address and back', () => {
  for (const room of ['lumo-tavi-reko', 'Team / 7', 'Überblick', '100%']) {
    expect(placeOf(roomPath(room))).toEqual({ kind: 'room', room });
    expect(placeOf(recordingsPath(room))).toEqual({ kind: 'recordings', room });
  }
});

test('a broken or foreign address is unknown', () => {
  for (const path of ['/room/', '/room/a/b', '/room/%E0%A4%A', '/rooms', '/recordings', '/recordings/a/b']) {
    expect(placeOf(path)).toEqual({ kind: 'unknown' });
  }
});
