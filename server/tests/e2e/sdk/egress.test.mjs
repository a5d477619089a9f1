import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { dispose } from '@livekit/rtc-node';
import {
  AccessToken, DirectFileOutput, EgressClient, EgressStatus, EncodedFileOutput, EncodedFileType, EncodingOptions,
  EncodingOptionsPreset, StreamOutput,
} from 'livekit-server-sdk';
import { Server } from '../shared/server.mjs';
import { until } from '../shared/until.mjs';
import { Member } from './member.mjs';

// LiveKit's own client of its egress service, against a conference of its own SDK.
const ROOM = 'shown';
/** Small, so that it is made in no time. */
const SMALL = new EncodingOptions({ width: 320, height: 180, framerate: 10 });

let folder;
let server;
let egress;
let ann;
let ben;
let tracks;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plenary-egress-'));
  server = await Server.start(['--recording-folder', folder, '--recording-min-free-bytes', '0', '--recording-stop-free-bytes', '0']);
  egress = new EgressClient(server.url, server.apiKey, server.apiSecret);
  ann = await new Member('ann', { colour: [220, 40, 40], tone: 500, grain: 30 }).join(server, ROOM);
  ben = await new Member('ben', { colour: [40, 60, 220], tone: 900, grain: 30 }).join(server, ROOM);
  tracks = {};
  for (const member of [ann, ben]) {
    const [camera, microphone] = [await member.publishCamera(), await member.publishMicrophone()];
    tracks[member.identity] = { camera: camera.sid, microphone: microphone.sid };
  }
}, { timeout: 60_000 });

after(async () => {
  await Promise.allSettled([ann?.leave(), ben?.leave()]);
  await server?.stop();
  await dispose();
  if (folder) await rm(folder, { recursive: true, force: true });
}, { timeout: 30_000 });

/** A test that shows what the server has said if it fails. */
function check(name, run) {
  test(name, { timeout: 240_000 }, async () => {
    await run().catch((error) => {
      console.error(server.logTail());
      throw error;
    });
  });
}

check('a room composite is begun, listed, changed, stopped, and plays', async () => {
  const output = new EncodedFileOutput({ filepath: '{room_name}/talk-{time}.mp4' });
  const begun = await egress.startRoomCompositeEgress(ROOM, output, { layout: 'speaker', encodingOptions: SMALL });
  assert.match(begun.egressId, /^EG_/);
  assert.equal(begun.roomName, ROOM);
  assert.ok(Math.abs(Number(begun.startedAt / 1_000_000n) - Date.now()) < 10_000);

  await untilIs(begun, EgressStatus.EGRESS_ACTIVE);
  assert.deepEqual((await egress.listEgress({ roomName: ROOM, active: true })).map(({ egressId }) => egressId), [begun.egressId]);
  assert.deepEqual(await egress.listEgress({ roomName: 'another' }), []);
  await seconds(2);
  const changed = await egress.updateLayout(begun.egressId, 'grid');
  assert.equal(changed.egressId, begun.egressId);
  await seconds(2);
  assert.equal((await egress.stopEgress(begun.egressId)).status, EgressStatus.EGRESS_ENDING);

  const { fileResults: [file], error } = await untilIs(begun, EgressStatus.EGRESS_COMPLETE);
  assert.match(file.filename, /^shown\/talk-[\dT-]+\.webm$/);
  assert.equal(error, '');
  const { streams, format } = await probe(file);
  assert.deepEqual(streams.map(({ codec_name, width, height }) => [codec_name, width, height]), [['vp9', 320, 180], ['opus', undefined, undefined]]);
  assert.ok(Number(format.duration) > 3, format.duration);
  assert.ok(Math.abs(Number(format.duration) - Number(file.duration) / 1e9) < 0.2, `${format.duration} ${file.duration}`);
  assert.equal(Number(format.size), Number(file.size));
});

check('a track egress keeps that track alone, as it was sent', async () => {
  const output = new DirectFileOutput({ filepath: '{publisher_identity}-{track_source}-{track_id}' });
  const sid = tracks.ann.camera;
  const begun = await egress.startTrackEgress(ROOM, output, sid);
  await untilIs(begun, EgressStatus.EGRESS_ACTIVE);
  await seconds(2);
  await egress.stopEgress(begun.egressId);

  const { fileResults } = await untilIs(begun, EgressStatus.EGRESS_COMPLETE);
  assert.deepEqual(fileResults.map(({ filename }) => filename), [`ann-camera-${sid}.webm`]);
  const { streams } = await probe(fileResults[0]);
  assert.deepEqual(streams.map(({ codec_name, width }) => [codec_name, width]), [['vp8', ann.size.width]]);
  const recorded = await tracksOf(begun);
  assert.deepEqual(recorded.map((name) => name.split('-')[0]), [sid]);
});

check('a track composite and a composite of sound have what was asked for', async () => {
  const of = (filepath) => ({ file: new EncodedFileOutput({ filepath }) });
  const both = await egress.startTrackCompositeEgress(ROOM, of('both'), {
    videoTrackId: tracks.ben.camera, audioTrackId: tracks.ann.microphone, encodingOptions: SMALL,
  });
  const sound = await egress.startRoomCompositeEgress(ROOM, of('sound'), { audioOnly: true });
  const pictures = await egress.startRoomCompositeEgress(ROOM, of('pictures'), { videoOnly: true, encodingOptions: SMALL });
  const all = [both, sound, pictures];
  for (const one of all) await untilIs(one, EgressStatus.EGRESS_ACTIVE);
  await seconds(2);
  for (const one of all) await egress.stopEgress(one.egressId);

  const codecs = [];
  for (const one of all) {
    const { fileResults: [file] } = await untilIs(one, EgressStatus.EGRESS_COMPLETE);
    codecs.push((await probe(file)).streams.map(({ codec_name }) => codec_name));
  }
  assert.deepEqual(codecs, [['vp9', 'opus'], ['opus'], ['vp9']]);
  assert.deepEqual((await tracksOf(both)).length, 2);
  // What is seen is ben, as large as can be.
  const [{ fileResults: [file] }] = await egress.listEgress({ egressId: both.egressId });
  const [red, , blue] = await colourOf(file);
  assert.ok(blue > red + 60, `${red} ${blue}`);
});

check('a participant egress waits for its participant and ends with them', async () => {
  const output = { file: new EncodedFileOutput({ filepath: '{publisher_identity}' }) };
  const begun = await egress.startParticipantEgress(ROOM, 'eve', output, { encodingOptions: SMALL });
  const eve = await new Member('eve', { colour: [40, 200, 60], tone: 1400, grain: 30 }).join(server, ROOM);
  await eve.publishCamera();
  await untilIs(begun, EgressStatus.EGRESS_ACTIVE);
  await eve.publishMicrophone();
  await until('there are two files', async () => (await tracksOf(begun)).length === 2);
  await seconds(2);
  await eve.leave();

  const { fileResults: [file] } = await untilIs(begun, EgressStatus.EGRESS_COMPLETE);
  assert.equal(file.filename, 'eve.webm');
  const { streams } = await probe(file);
  assert.deepEqual(streams.map(({ codec_name }) => codec_name), ['vp9', 'opus']);
});

check('what cannot be done is told', async () => {
  const file = new EncodedFileOutput({ filepath: 'a' });
  const asks = (call, code, pattern) => assert.rejects(call, (error) => {
    assert.deepEqual([error.code, pattern.test(error.message)], [code, true], error.message);
    return true;
  });
  await asks(egress.startRoomCompositeEgress('nowhere', file), 'not_found', /room does not exist/);
  await asks(egress.startTrackEgress(ROOM, new DirectFileOutput({ filepath: 'a' }), 'TR_x'), 'not_found', /TR_x/);
  await asks(egress.startRoomCompositeEgress(ROOM, new EncodedFileOutput({ filepath: 'a', fileType: EncodedFileType.MP4 })), 'invalid_argument', /MP4/);
  await asks(egress.startRoomCompositeEgress(ROOM, new EncodedFileOutput({ filepath: '../a' })), 'invalid_argument', /lead out/);
  await asks(egress.startRoomCompositeEgress(ROOM, new StreamOutput({ urls: ['rtmp://example.com/live'] })), 'unimplemented', /files/);
  await asks(egress.startRoomCompositeEgress(ROOM, file, { encodingOptions: EncodingOptionsPreset.PASSTHROUGH }), 'invalid_argument', /encoded/);
  await asks(egress.stopEgress('EG_x'), 'not_found', /egress/);

  const access = new AccessToken(server.apiKey, server.apiSecret, { ttl: '5m' });
  access.addGrant({ roomCreate: true, roomList: true });
  const stranger = new EgressClient(server.url, undefined, undefined, { token: await access.toJwt() });
  await asks(stranger.startRoomCompositeEgress(ROOM, file), 'permission_denied', /roomRecord/);
});

check('the next server remembers egresses, and makes the files this one has not', async () => {
  const ended = await egress.listEgress();
  const output = new EncodedFileOutput({ filepath: 'unfinished' });
  const begun = await egress.startRoomCompositeEgress(ROOM, output, { encodingOptions: SMALL });
  await untilIs(begun, EgressStatus.EGRESS_ACTIVE);
  await seconds(2);
  await Promise.all([ann.leave(), ben.leave()]);
  [ann, ben] = [];

  await server.stop();
  await server.start();

  assert.deepEqual((await egress.listEgress()).slice(0, -1), ended);
  const { fileResults: [file] } = await untilIs(begun, EgressStatus.EGRESS_COMPLETE);
  const { streams } = await probe(file);
  assert.deepEqual(streams.map(({ codec_name }) => codec_name), ['vp9', 'opus']);
});

async function untilIs({ egressId }, status) {
  return until(`${egressId} is ${EgressStatus[status]}`, async () => {
    const [info] = await egress.listEgress({ egressId });
    if (info.status === EgressStatus.EGRESS_FAILED) throw new Error(info.error);
    return info.status === status && info;
  }, { withinMs: 150_000 });
}

/** Waits while media flows: until the clock says so. */
async function seconds(count) {
  const end = performance.now() + 1_000 * count;
  await until(`${count} s have passed`, () => performance.now() > end);
}

/** The files of tracks in the recording of an egress. */
async function tracksOf({ egressId, roomId }) {
  const folders = await readdir(join(folder, roomId));
  const own = folders.find((name) => name.endsWith(egressId.replace('EG_', 'RC_')));
  const entries = await readdir(join(folder, roomId, own, 'tracks'), { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

async function probe(file) {
  const { stdout, stderr } = await promisify(execFile)('ffprobe', [
    '-v', 'warning', '-of', 'json', '-show_entries', 'stream=codec_name,width,height:format=duration,size', join(folder, 'egress', file.filename),
  ]);
  assert.equal(stderr, '', file.filename);
  return JSON.parse(stdout);
}

/** The mean colour of the last second of a file. */
async function colourOf(file) {
  const { stdout } = await promisify(execFile)('ffmpeg', [
    '-v', 'error', '-ss', '1', '-i', join(folder, 'egress', file.filename), '-frames:v', '1', '-vf', 'scale=1:1', '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-',
  ], { encoding: 'buffer' });
  return [...stdout];
}
