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

// A conference of nine, two browsers and LiveKit's SDK for Node, is recorded through the API. Then a browser
// plays every file, and ffprobe has nothing to say against them.
const ROOM = 'recorded';
/** Seconds of every track that are to be in its file. */
const ENOUGH_SECONDS = 5;
/** In the order they come: browsers, which are there when it begins, and then the others. They send VP8 or what is named. */
const PEOPLE = [
  { name: 'Ann', hue: 200, tone: 500, browser: 'chromium' },
  { name: 'Eve', hue: 40, tone: 1400, browser: 'firefox' },
  { name: 'Ned', hue: 120, tone: 900 },
  { name: 'Bea', hue: 320, tone: 300, codec: 'VP9' },
  { name: 'Cem', hue: 0, tone: 700, codec: 'H264' },
  { name: 'Dia', hue: 240, tone: 1100, codec: 'AV1' },
  { name: 'Fay', hue: 80, tone: 1600 },
  { name: 'Gus', hue: 280, tone: 1800 },
  { name: 'Hal', hue: 160, tone: 2000 },
];

let folder;
let server;
let people;
let members = [];
let recording;
let viewer;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plenary-recordings-'));
  server = await Server.start(['--recording-folder', folder, '--recording-min-free-bytes', '0', '--recording-stop-free-bytes', '0']);
  people = PEOPLE.filter(({ browser }) => browser).map((own) => new Person(own));
  await Promise.all(people.map((person) => person.start()));
  for (const person of people) await person.join(server, ROOM);
  const [ann, eve] = people;
  await untilNothingIsWrong('both see and hear the other', async () => [...(await ann.missing([eve])), ...(await eve.missing([ann]))])
    .catch(explain);

  recording = await call('POST', `/v1/rooms/${ROOM}/recordings`, { composite: 'live', width: 640, height: 360, fps: 15 });
  // Those who come late are in it as well. They are small and slow: all nine share this machine.
  members = PEOPLE.filter(({ browser }) => !browser).map(({ name, hue, tone, codec }) =>
    new Member(name, { colour: colourOf(hue), tone, codec, grain: 30, size: { width: 160, height: 90 }, fps: 5 }));
  for (const member of members) {
    await member.join(server, ROOM, { autoSubscribe: false });
    await member.publishCamera();
    await member.publishMicrophone();
  }
  await until('there is enough of every track', async () => {
    recording = await call('GET', `/v1/recordings/${recording.id}`);
    const lengths = recording.files.map(({ start, end }) => end - start);
    return lengths.length === 2 * PEOPLE.length && lengths.every((length) => length > ENOUGH_SECONDS);
  }, { withinMs: 60_000 }).catch(explain);
  await call('DELETE', `/v1/rooms/${ROOM}/recordings/${recording.id}`);
  await until('the recording is complete', async () => {
    recording = await call('GET', `/v1/recordings/${recording.id}`);
    return recording.state === 'done';
  }, { withinMs: 40_000 });
  // A page of this server may play its files.
  viewer = ann;
  await viewer.open(`${server.url}/`);
}, { timeout: 180_000 });

after(async () => {
  await Promise.allSettled([...(people ?? []).map((person) => person.close()), ...members.map((member) => member.leave())]);
  await server?.stop();
  await dispose();
  if (folder) await rm(folder, { recursive: true, force: true });
}, { timeout: 30_000 });

test('everyone who was there has a file of each track, and nothing was lost', () => {
  const tracks = recording.files.map(({ identity, name, source }) => `${name || identity} ${source}`).sort();
  const expected = PEOPLE.flatMap(({ name }) => [`${name} camera`, `${name} microphone`]);

  assert.deepEqual(tracks, expected.sort());
  assert.ok(recording.files.every(({ complete }) => complete));
  assert.deepEqual([recording.lost_packets, recording.dropped_packets], [0, 0]);
});

test('each is recorded in the codec they send', () => {
  for (const { name, codec = 'VP8' } of PEOPLE) assert.equal(fileOf(name, 'camera').codec, codec.toLowerCase(), name);
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

for (const { name: who, hue, tone } of PEOPLE) {
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

      // A file's sound begins with the recording, its sender perhaps later.
      const sounding = pitches.filter(Boolean);
      const right = sounding.filter((own) => isPitch(own, tone)).length;
      assert.ok(duration > ENOUGH_SECONDS && sounding.length > 0.2 * pitches.length, `${duration}: ${pitches}`);
      assert.ok(right >= 0.8 * sounding.length, `${pitches}`);
    });
  });
}

test('a composite shows everyone in a tile of their own, and plays every voice', async () => {
  const [composite] = recording.composites;
  const played = await viewer.playFile(await urlOf(composite));
  const { heard } = await viewer.hearFile(await urlOf(composite), PEOPLE.map(({ tone }) => tone));

  assert.equal(composite.state, 'complete', composite.error);
  assert.ok(Math.abs(composite.duration - recording.duration) < 0.5, `${composite.duration} of ${recording.duration}`);
  assert.ok(played.currentTime > played.duration - 0.5, `${played.currentTime} of ${played.duration}`);
  for (const [index, { name, hue }] of PEOPLE.entries()) {
    const [tile, { start, end }] = [hueOfTile(played.parts, index), fileOf(name, 'microphone')];
    assert.ok(isHue(tile, hue), `${name}'s tile is of hue ${tile} and not ${hue}: ${played.parts}`);
    const there = (end - start) / composite.duration;
    // A tone stands out less the more there are.
    assert.ok(heard[index] > 0.2 * there, `${name} is heard ${heard[index]} of the time and there ${there} of it`);
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
  assert.equal(told.filter((event) => event === 'joined').length, PEOPLE.length);
  assert.equal(told.filter((event) => event === 'file').length, 2 * PEOPLE.length);
  assert.ok(told.includes('speaking'));
});

test('a recording is deleted with its files', async () => {
  const { id } = recording;

  await call('DELETE', `/v1/recordings/${id}`);

  const answer = await fetch(`${server.url}/v1/recordings/${id}`, { headers: await authorized() });
  assert.equal(answer.status, 404);
  assert.equal((await answer.json()).type, '/docs#recording-not-found');
});

/** Full, as the stand-ins of the browsers have it. */
function colourOf(hue) {
  const channel = (offset) => {
    const sector = (offset + hue / 30) % 12;
    return Math.round(255 * (0.5 - 0.35 * Math.max(-1, Math.min(sector - 3, 9 - sector, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}

/** The hue that most of a tile has, if there are three rows of three tiles. */
function hueOfTile(parts, index) {
  const [column, row] = [index % 3, Math.floor(index / 3)];
  const inTile = parts.filter((_, place) => {
    const [x, y] = [Math.floor(place / 9), place % 9];
    // The sixth and the eleventh are of two tiles.
    return x !== 5 && x !== 10 && Math.floor((3 * x) / 16) === column && Math.floor(y / 3) === row;
  });
  const hues = inTile.filter((hue) => hue != null).sort((a, b) => a - b);
  return hues[Math.floor(hues.length / 2)];
}

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
