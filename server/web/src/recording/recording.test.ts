import { expect, test } from 'vitest';
import { awaitsComposite, compositesOf, faultOf, filesByPerson, lengthOf, type Recording, type RecordingFile } from './recording';

test('files stand by person, the camera first, and second ones have numbers', () => {
  const recording = withFiles(
    { file: '1', identity: 'ben', name: 'Ben', source: 'microphone', kind: 'audio' },
    { file: '2', identity: 'ann', source: 'screen_share' },
    { file: '3', identity: 'ben', name: 'Ben', source: 'camera', start: 9 },
    { file: '4', identity: 'ben', name: 'Ben', source: 'camera', start: 2 },
  );

  expect(filesByPerson(recording).map(({ name, files }) => [name, files.map(({ label, file }) => `${label}: ${file.file}`)])).toEqual([
    ['Ben', ['Camera: 4', 'Camera 2: 3', 'Microphone: 1']],
    ['ann', ['Screen: 2']],
  ]);
});

test('composites are there once they are made', () => {
  const composite = { file: 'composite-000.webm', state: 'complete', width: 1280, codec: 'vp8', duration: 7, bytes: 9 } as const;
  const recording = { ...withFiles(), composites: [composite, { ...composite, file: 'later.webm', state: 'making', bytes: 0 } as const] };

  expect(compositesOf(recording).map((own) => [own.file, own.kind, lengthOf(own)])).toEqual([['composite-000.webm', 'video', 7]]);
  expect(awaitsComposite(recording)).toBe(true);
  expect(awaitsComposite(withFiles())).toBe(false);
});

test('a file is as long as what is in it', () => {
  expect(lengthOf({ ...FILE, start: 2, end: 5.5 })).toBe(3.5);
  expect(lengthOf(FILE)).toBe(0);
});

test('a recording that ended as it should has no fault', () => {
  expect(faultOf(withFiles())).toBeUndefined();
});

test('a recording that ended otherwise says why', () => {
  expect(faultOf({ ...withFiles(), state: 'disk_full' })).toBe("It ended early because the server's disk was full.");
  expect(faultOf({ ...withFiles(), state: 'failed', error: 'the folder is gone' })).toBe(
    'It ended early because something failed: the folder is gone.',
  );
  expect(faultOf({ ...withFiles(), state: 'recovered' })).toContain('The server ended before');
  expect(faultOf({ ...withFiles(), dropped_packets: 3 })).toContain('Parts are missing');
});

const FILE: RecordingFile = { file: 'f', kind: 'video', codec: 'vp8', source: 'camera', identity: 'ann', name: '', bytes: 1 };

function withFiles(...files: Partial<RecordingFile>[]): Recording {
  return {
    id: 'RC_1',
    room: 'blue',
    state: 'done',
    started_at: '2026-11-21T12:00:00Z',
    duration: 60,
    dropped_packets: 0,
    files: files.map((file) => ({ ...FILE, ...file })),
    composites: [],
  };
}
