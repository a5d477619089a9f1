import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { dispose } from '@livekit/rtc-node';
import { AccessToken } from 'livekit-server-sdk';
import { isHue, isPitch, Person } from '../browser/person.mjs';
import { Member } from '../sdk/member.mjs';
import { Server } from '../shared/server.mjs';
import { until, untilNothingIsWrong } from '../shared/until.mjs';

// A conference of two browsers and LiveKit's SDK for Node is recorded through the API. Then a browser plays
// every file, and ffprobe has nothing to say against them.
const ROOM = 'recorded';
/** Seconds of every track that are to be in its file. */
const ENOUGH_SECONDS = 5;

let folder;
let server;
let people;
let ned;
let recording;
let viewer;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plenary-recordings-'));
  server = await Server.start(['--recording-folder', folder, '--recording-min-free-bytes', '0', '--recording-stop-free-bytes', '0']);
  people = [
    new Person({ name: 'Ann', browser: 'chromium', hue: 200, tone: 500 }),
    new Person({ name: 'Eve', browser: 'firefox', hue: 30, tone: 1400 }),
  ];
  await Promise.all(people.map((person) => person.start()));
  for (const person of people) await person.join(server, ROOM);
  const [ann, eve] = people;
  await untilNothingIsWrong('both see and hear the other', async () => [...(await ann.missing([eve])), ...(await eve.missing([ann]))])
    .catch(explain);

  recording = await call('POST', `/v1/rooms/${ROOM}/recordings`, { composite: 'live', width: 640, height: 360, fps: 15 });
  // One who comes late is in it as well.
  ned = new Member('Ned', { colour: [40, 200, 60], tone: 900, grain: 30 });
  await ned.join(server, ROOM);
  await ned.publishCamera();
  await ned.publishMicrophone();
  await until('there is enough of every track', async () => {
    recording = await call('GET', `/v1/recordings/${recording.id}`);
    const lengths = recording.files.map(({ start, end }) => end - start);
    return lengths.length === 6 && lengths.every((length) => length > ENOUGH_SECONDS);
  }, { withinMs: 40_000 }).catch(explain);
  await call('DELETE', `/v1/rooms/${ROOM}/recordings/${recording.id}`);
  await until('the recording is complete', async () => {
    recording = await call('GET', `/v1/recordings/${recording.id}`);
    return recording.state === 'done';
  });
  // A page of this server may play its files.
  viewer = ann;
  await viewer.open(`${server.url}/`);
}, { timeout: 120_000 });

after(async () => {
  await Promise.allSettled([...(people ?? []).map((person) => person.close()), ned?.leave()]);
  await server?.stop();
  await dispose();
  if (folder) await rm(folder, { recursive: true, force: true });
}, { timeout: 30_000 });

test('everyone who was there has a file of each track, and nothing was lost', () => {
  const tracks = recording.files.map(({ identity, name, source }) => `${name || identity} ${source}`).sort();
  const expected = ['Ann', 'Eve', 'Ned'].flatMap((name) => [`${name} camera`, `${name} microphone`]);

  assert.deepEqual(tracks, expected);
  assert.ok(recording.files.every(({ complete }) => complete));
  assert.deepEqual([recording.lost_packets, recording.dropped_packets], [0, 0]);
});

test('who comes late has times of the recording, not of their own', () => {
  const startOf = (who) => Math.min(...filesOf(who).map(({ start }) => start));

  assert.ok(startOf('Ann') < 1 && startOf('Eve') < 1, `${startOf('Ann')} ${startOf('Eve')}`);
  assert.ok(startOf('Ned') > 0.05, `${startOf('Ned')}`);
});

test('ffprobe finds every frame and no fault', async () => {
  for (const file of recording.files) {
    const path = join(folder, recording.room_sid, await folderOf(recording), file.path);
    const { stdout, stderr } = await promisify(execFile)('ffprobe', [
      '-v', 'warning', '-count_packets', '-of', 'json', '-show_entries', 'stream=codec_name,nb_read_packets:format=start_time', path,
    ]);
    const { streams, format } = JSON.parse(stdout);

    assert.equal(stderr, '', file.path);
    assert.deepEqual(streams.map(({ codec_name }) => codec_name), [file.codec]);
    assert.equal(Number(streams[0].nb_read_packets), file.frames, file.path);
    assert.ok(Math.abs(Number(format.start_time) - file.start) < 0.015, `${format.start_time} ${file.start}`);
  }
});

for (const [who, hue, tone] of [['Ann', 200, 500], ['Eve', 30, 1400], ['Ned', 128, 900]]) {
  describe(`a browser plays what ${who} has sent`, () => {
    test('to the end, and it shows them', async () => {
      const file = fileOf(who, 'camera');
      const played = await viewer.playFile(await urlOf(file));

      // Before the first picture there is none.
      const hues = played.hues.filter((own) => own != null);
      const right = hues.filter((own) => isHue(own, hue)).length;
      assert.ok(Math.abs(played.duration - file.end) < 0.5, `${played.duration} ${file.end}`);
      assert.ok(played.currentTime > played.duration - 0.5, `${played.currentTime}`);
      assert.ok(hues.length > 3 && right >= 0.9 * hues.length, `${played.hues}`);
    });

    test('and it is their voice', async () => {
      const file = fileOf(who, 'microphone');
      const { pitches, duration } = await viewer.hearFile(await urlOf(file));

      const right = pitches.filter((own) => isPitch(own ?? 0, tone)).length;
      assert.ok(duration > ENOUGH_SECONDS, `${duration}`);
      assert.ok(right >= 0.8 * pitches.length, `${pitches}`);
    });
  });
}

test('a composite shows and plays everyone', async () => {
  const [composite] = recording.composites;
  const people = [['Ann', 200, 500], ['Eve', 30, 1400], ['Ned', 128, 900]];
  const played = await viewer.playFile(await urlOf(composite));
  const { heard } = await viewer.hearFile(await urlOf(composite), people.map(([, , tone]) => tone));

  assert.equal(composite.state, 'complete', composite.error);
  assert.ok(Math.abs(composite.duration - recording.duration) < 0.5, `${composite.duration} of ${recording.duration}`);
  assert.ok(played.currentTime > played.duration - 0.5, `${played.currentTime} of ${played.duration}`);
  for (const [index, [who, hue]] of people.entries()) {
    const share = played.parts.filter((own) => isHue(own, hue)).length / played.parts.length;
    assert.ok(share > 0.08, `${share} of the picture shows ${who}: ${played.parts}`);
    // Ned is late, and all are heard up to the end.
    assert.ok(heard[index] > 0.5, `${who} is heard ${heard[index]} of the time`);
  }
});

test('ffprobe has nothing to say against the composite', async () => {
  const [{ file }] = recording.composites;
  const path = join(folder, recording.room_sid, await folderOf(recording), file);
  const { stdout, stderr } = await promisify(execFile)('ffprobe', ['-v', 'warning', '-of', 'json', '-show_entries', 'stream=codec_name,width', path]);

  assert.equal(stderr, '');
  assert.deepEqual(JSON.parse(stdout).streams, [{ codec_name: 'vp8', width: 640 }, { codec_name: 'opus' }]);
});

test('a player can jump: ranges are answered', async () => {
  const file = fileOf('Ann', 'camera');
  const whole = new Uint8Array(await (await fetch(await urlOf(file))).arrayBuffer());
  const part = await fetch(await urlOf(file), { headers: { Range: 'bytes=1000-1999' } });

  assert.equal(whole.length, file.bytes);
  assert.equal(part.status, 206);
  assert.equal(part.headers.get('content-range'), `bytes 1000-1999/${file.bytes}`);
  assert.deepEqual(new Uint8Array(await part.arrayBuffer()), whole.slice(1000, 2000));
});

test('the journal tells what happened', async () => {
  const lines = (await (await fetch(await urlOf({ file: 'journal.jsonl' }))).text()).trim().split('\n').map((line) => JSON.parse(line));
  const told = lines.map(({ event }) => event);

  assert.equal(told[0], 'began');
  assert.equal(told.at(-1), 'ended');
  assert.equal(told.filter((event) => event === 'joined').length, 3);
  assert.equal(told.filter((event) => event === 'file').length, 6);
  assert.ok(told.includes('speaking'));
});

test('a recording is deleted with its files', async () => {
  const { id } = recording;

  await call('DELETE', `/v1/recordings/${id}`);

  const answer = await fetch(`${server.url}/v1/recordings/${id}`, { headers: await authorized() });
  assert.equal(answer.status, 404);
  assert.equal((await answer.json()).type, '/docs#recording-not-found');
});

function filesOf(who) {
  return recording.files.filter(({ identity, name }) => name === who || identity === who);
}

function fileOf(who, source) {
  return filesOf(who).find((file) => file.source === source);
}

async function folderOf({ started_at, id }) {
  return `${started_at.replaceAll(':', '-').replaceAll('.', '-')}-${id}`;
}

async function urlOf({ file }) {
  return `${server.url}/v1/recordings/${recording.id}/files/${file}?access_token=${await recorderToken()}`;
}

async function call(method, path, body) {
  const headers = { ...(await authorized()), ...(body && { 'Content-Type': 'application/json' }) };
  const answer = await fetch(server.url + path, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
  return text && JSON.parse(text);
}

async function authorized() {
  return { Authorization: `Bearer ${await recorderToken()}` };
}

function recorderToken() {
  const access = new AccessToken(server.apiKey, server.apiSecret, { identity: 'back end', ttl: '10m' });
  access.addGrant({ roomRecord: true });
  return access.toJwt();
}

function explain(error) {
  console.error([server.logTail(), ...people.map((person) => person.report())].join('\n'));
  throw error;
}
