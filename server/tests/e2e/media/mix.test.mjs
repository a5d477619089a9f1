import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { dispose } from '@livekit/rtc-node';
import { AccessToken } from 'livekit-server-sdk';
import { isHue, Person } from '../browser/person.mjs';
import { Member } from '../sdk/member.mjs';
import { Server } from '../shared/server.mjs';
import { untilNothingIsWrong } from '../shared/until.mjs';

// Two browsers get one picture and one sound of a room of three, and later everybody again.
const ROOM = 'mixed';
const TONES = [500, 900, 1400];
const HUES = { Ann: 200, Ned: 128, Eve: 30 };

let server;
let ned;
const ann = new Person({ name: 'Ann', browser: 'chromium', hue: HUES.Ann, tone: 500 });
const eve = new Person({ name: 'Eve', browser: 'firefox', hue: HUES.Eve, tone: 1400 });
const people = [ann, eve];

before(async () => {
  server = await Server.start();
  await Promise.all(people.map((person) => person.start()));
  for (const person of people) await person.join(server, ROOM);
  ned = new Member('Ned', { colour: [40, 200, 60], tone: 900, grain: 30 });
  await ned.join(server, ROOM);
  await ned.publishCamera();
  await ned.publishMicrophone();
}, { timeout: 120_000 });

after(async () => {
  await Promise.allSettled([...people.map((person) => person.close()), ned?.leave()]);
  await server?.stop();
  await dispose();
}, { timeout: 30_000 });

test('those who are listed see everyone in one picture and hear all but themselves', { timeout: 90_000 }, async () => {
  const { participants } = await call('GET', 'participants');
  const listeners = participants.filter(({ name }) => people.some((person) => person.name === name)).map(({ identity }) => identity);
  const mix = await call('PUT', 'mix', { listeners, width: 640, height: 360, fps: 15, bitrate: 800_000 });

  assert.equal(mix.listeners.length, 2);
  await untilNothingIsWrong('both get the mix', async () => [
    ...(await wrongFor(ann, [900, 1400])),
    ...(await wrongFor(eve, [500, 900])),
  ], { withinMs: 60_000 }).catch(explain);
});

test('without the mix they see and hear each other again', { timeout: 90_000 }, async () => {
  await call('DELETE', 'mix');

  const other = { name: 'Ned', hue: HUES.Ned, tone: 900 };
  await untilNothingIsWrong('both see and hear the others', async () => [
    ...(await ann.missing([eve, other])),
    ...(await eve.missing([ann, other])),
  ], { withinMs: 60_000 }).catch(explain);
});

async function wrongFor(person, tones) {
  const tiles = (await person.tiles()).map(({ name }) => name);
  const parts = await person.partsOf('mix');
  const heard = await person.tonesOf(TONES);
  const shareOf = (hue) => parts.filter((own) => isHue(own, hue)).length / parts.length;
  return [
    ...(`${tiles}` === 'Mix' ? [] : [`${person.name} has tiles of ${tiles}`]),
    ...Object.entries(HUES).filter(([, hue]) => !(shareOf(hue) > 0.08)).map(([who]) => `${person.name} does not see ${who}: ${parts}`),
    ...(`${heard}` === `${tones}` ? [] : [`${person.name} hears ${heard} and not ${tones}`]),
  ];
}

async function call(method, path, body) {
  const access = new AccessToken(server.apiKey, server.apiSecret, { identity: 'back end', ttl: '10m' });
  access.addGrant({ roomAdmin: true, room: ROOM });
  const headers = { Authorization: `Bearer ${await access.toJwt()}`, ...(body && { 'Content-Type': 'application/json' }) };
  const answer = await fetch(`${server.url}/v1/rooms/${ROOM}/${path}`, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
  return text && JSON.parse(text);
}

function explain(error) {
  console.error([server.logTail(), ...people.map((person) => person.report())].join('\n'));
  throw error;
}
