import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { dispose } from '@livekit/rtc-node';
import { AccessToken } from 'livekit-server-sdk';
import { Server } from '../shared/server.mjs';
import { until, untilNothingIsWrong } from '../shared/until.mjs';
import { Member, isColour } from './member.mjs';

// A room is mixed, and what comes of that is received with LiveKit's SDK for Node.
const TONES = { ann: 500, ben: 900, weak: 1400 };
const COLOURS = { ann: [220, 40, 40], ben: [40, 200, 60], weak: [50, 60, 220] };
const SMALL = { width: 640, height: 360, fps: 15, bitrate: 500_000 };

let server;
let members = [];
let rooms = 0;

before(async () => (server = await Server.start()), { timeout: 60_000 });

after(async () => {
  await server?.stop();
  await dispose();
}, { timeout: 30_000 });

/** A test with a room of its own, that everyone leaves in the end. */
function inRoom(name, run) {
  test(name, { timeout: 90_000 }, async () => {
    members = [];
    try {
      await run(`mixed-${++rooms}`);
    } catch (error) {
      console.error(server.logTail());
      throw error;
    } finally {
      await Promise.allSettled(members.map((member) => member.leave()));
    }
  });
}

async function enter(room, identity, options = {}) {
  const member = new Member(identity, { colour: COLOURS[identity], tone: TONES[identity], grain: 20 });
  members.push(member);
  await member.join(server, room, options);
  if (TONES[identity]) {
    await member.publishCamera();
    await member.publishMicrophone();
  }
  return member;
}

async function api(method, room, body, path = 'mix') {
  const access = new AccessToken(server.apiKey, server.apiSecret, { identity: 'api', ttl: '5m' });
  access.addGrant({ roomAdmin: true, roomRecord: true, room });
  const headers = { authorization: `Bearer ${await access.toJwt()}`, ...(body && { 'content-type': 'application/json' }) };
  const answer = await fetch(`${server.url}/v1/rooms/${room}/${path}`, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  return { status: answer.status, body: text && JSON.parse(text) };
}

/** What is wrong with the picture that a member has of a mix of all. */
function wrongInPicture(member) {
  const places = member.looksAt('mix');
  return Object.entries(COLOURS).flatMap(([who, colour]) => {
    const share = places.filter((seen) => isColour(seen, colour)).length / places.length;
    return share > 0.08 ? [] : [`${share} of ${member.identity}'s picture of ${places.length} places shows ${who}`];
  });
}

/** What is wrong with the sound of a mix, which is to have these voices. */
function wrongInSound(member, voices) {
  const heard = member.hearsOf(Object.values(TONES), 'mix');
  const expected = voices.map((who) => TONES[who]);
  return `${heard}` === `${expected}` ? [] : [`${member.identity} hears ${heard} and not ${expected}`];
}

function wrongInSubscriptions(member, expected) {
  const got = member.subscriptions();
  return `${got}` === `${expected}` ? [] : [`${member.identity} gets ${got}`];
}

/** Waits until a member receives pictures of some and none of the others. This SDK does not say so itself. */
async function untilOnly(member, senders) {
  let before = new Map(member.pictures);
  await until(`${member.identity} receives pictures of ${senders} only`, () => {
    const since = (who) => member.pictures.get(who) - (before.get(who) ?? 0);
    const [those, others] = [senders, [...member.pictures.keys()].filter((who) => !senders.includes(who))];
    const isQuiet = others.every((who) => since(who) === 0);
    if (!isQuiet) before = new Map(member.pictures);
    return isQuiet && those.every((who) => since(who) > 10);
  });
}

inRoom('a listener gets one picture and the sound of all others, and nothing else', async (room) => {
  const ann = await enter(room, 'ann');
  await enter(room, 'ben');
  const { status, body: mix } = await api('PUT', room, { ...SMALL, listeners: ['weak'] });
  assert.equal(status, 201, JSON.stringify(mix));
  const weak = await enter(room, 'weak');

  await untilNothingIsWrong('weak gets the mix', () => [
    ...wrongInSubscriptions(weak, ['audio of mix', 'video of mix']),
    ...wrongInPicture(weak),
    ...wrongInSound(weak, ['ann', 'ben']),
  ]);
  // The others are not concerned.
  await untilNothingIsWrong('ann gets the others as ever', () => [
    ...wrongInSubscriptions(ann, ['audio of ben', 'audio of weak', 'video of ben', 'video of weak']),
    ...(isColour(ann.sees('weak'), COLOURS.weak) ? [] : [`ann sees ${ann.sees('weak')}`]),
    ...(ann.hears('weak') === TONES.weak ? [] : [`ann hears ${ann.hears('weak')}`]),
  ]);
  const listed = await api('GET', room);
  assert.deepEqual(listed.body, mix);
  assert.deepEqual(mix.listeners.map(({ identity }) => identity), ['weak']);

  // Without the mix it gets everything again.
  assert.equal((await api('DELETE', room)).status, 204);
  await untilOnly(weak, ['ann', 'ben']);
  await untilNothingIsWrong('weak gets the others', () => [
    ...wrongInSubscriptions(weak, ['audio of ann', 'audio of ben', 'video of ann', 'video of ben']),
    ...(weak.hears('ann') === TONES.ann ? [] : [`weak hears ${weak.hears('ann')} of ann`]),
    ...(weak.other('mix') ? ['the mix is still there'] : []),
  ]);
  assert.equal((await api('GET', room)).status, 404);
});

inRoom('listeners come and go while the room is mixed', async (room) => {
  await enter(room, 'ann');
  await enter(room, 'ben');
  const weak = await enter(room, 'weak');
  const first = await api('PUT', room, { ...SMALL });
  assert.equal(first.status, 201, JSON.stringify(first.body));
  await untilNothingIsWrong('weak gets the others', () => wrongInSubscriptions(weak, ['audio of ann', 'audio of ben', 'video of ann', 'video of ben']));

  const second = await api('PUT', room, { ...SMALL, layout: 'speaker', listeners: ['weak', 'somebody else'] });

  assert.equal(second.status, 200, JSON.stringify(second.body));
  assert.equal(second.body.video_track, first.body.video_track);
  await untilOnly(weak, ['mix']);
  await untilNothingIsWrong('weak hears the others', () => wrongInSound(weak, ['ann', 'ben']));
  await api('PUT', room, { ...SMALL, layout: 'speaker' });
  await untilOnly(weak, ['ann', 'ben']);
});

inRoom('whoever asks for it gets the sound of all', async (room) => {
  await enter(room, 'ann');
  await enter(room, 'ben');
  await enter(room, 'weak');
  const eve = await enter(room, 'eve', { autoSubscribe: false });
  const { body: mix } = await api('PUT', room, { ...SMALL, codec: 'vp9' });
  const published = await until('eve sees the tracks of the mix', () => {
    const publications = [...(eve.other('mix')?.trackPublications.values() ?? [])];
    return publications.length === 2 && publications;
  });
  for (const publication of published) publication.setSubscribed(true);

  await untilNothingIsWrong('eve gets the mix', () => [
    ...wrongInSubscriptions(eve, ['audio of mix', 'video of mix']),
    ...wrongInPicture(eve),
    ...wrongInSound(eve, ['ann', 'ben', 'weak']),
  ]);
  assert.deepEqual(published.map(({ sid }) => sid).sort(), [mix.audio_track, mix.video_track].sort());
});

inRoom('a mix of sound alone has no picture, and ends when it is removed', async (room) => {
  await enter(room, 'ann');
  const { body: mix } = await api('PUT', room, { layout: 'audio_only', listeners: ['weak'] });
  assert.deepEqual([mix.video_track, mix.width, mix.bitrate], [undefined, 0, 0]);
  const weak = await enter(room, 'weak');
  await untilNothingIsWrong('weak gets the mix', () => [
    ...wrongInSubscriptions(weak, ['audio of mix']),
    ...wrongInSound(weak, ['ann']),
  ]);

  assert.equal((await api('DELETE', room, undefined, 'participants/mix')).status, 204);

  await until('the room is not mixed', async () => (await api('GET', room)).status === 404);
  await untilOnly(weak, ['ann']);
});

inRoom('what only participants can decode is neither recorded nor mixed', async (room) => {
  const encryption = { keyProviderOptions: { sharedKey: new TextEncoder().encode('nobody else knows') } };
  await enter(room, 'ann', { encryption });
  const tracks = async () => (await api('GET', room, undefined, 'participants')).body.participants.flatMap((own) => own.tracks);
  await until('ann has her tracks', async () => (await tracks()).length === 2);
  assert.ok((await tracks()).every(({ encrypted }) => encrypted));

  for (const [method, path] of [['PUT', 'mix'], ['POST', 'recordings']]) {
    const { status, body } = await api(method, room, {}, path);
    assert.deepEqual([status, body.type], [409, '/docs#conflict']);
    assert.match(body.detail, /end-to-end encrypted/);
  }

  // Where somebody is in the clear there is something to mix.
  await enter(room, 'ben');
  await until('ben has his tracks', async () => (await tracks()).length === 4);
  assert.equal((await api('PUT', room, SMALL)).status, 201);
});
