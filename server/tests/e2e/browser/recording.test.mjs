import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { AccessToken } from 'livekit-server-sdk';
import { Server } from '../shared/server.mjs';
import { until } from '../shared/until.mjs';
import { Person } from './person.mjs';

// Ann is a guest of a server with --dev, and so may record; Eve has an invitation that says nothing of it.
const ROOM = 'lumo-tavi-reko';
/** Seconds of the recording, so that playing it shows something. */
const ENOUGH_SECONDS = 3;

const ann = new Person({ name: 'Ann', browser: 'chromium', hue: 200, tone: 500 });
const eve = new Person({ name: 'Eve', browser: 'firefox', hue: 30, tone: 1400 });
const people = [ann, eve];
let folder;
let server;
let failed = false;
let reported = false;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plenary-recordings-'));
  server = await Server.start(['--recording-folder', folder, '--recording-min-free-bytes', '0', '--recording-stop-free-bytes', '0']);
  await Promise.all(people.map((person) => person.start()));
  await ann.join(server, ROOM);
  await eve.join(server, ROOM, { token: await invitation('Eve') });
}, { timeout: 60_000 });

after(async () => {
  await Promise.allSettled(people.map((person) => person.close()));
  await server?.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
}, { timeout: 30_000 });

afterEach(() => {
  if (!failed || reported) return;
  reported = true;
  console.error([server.logTail(), ...people.map((person) => person.report())].join('\n'));
});

/** The next moment of the one conference; it has no sense after a failure. */
function step(name, run) {
  test(name, { timeout: 60_000 }, async (context) => {
    if (failed) return context.skip('an earlier step failed');
    failed = true;
    await run();
    failed = false;
  });
}

step('who may not record finds nothing to record with', async () => {
  assert.ok(await ann.has(RECORDINGS), 'Ann has the button');
  assert.equal(await eve.has(RECORDINGS), false, 'Eve has the button');
  assert.equal(await eve.has('.recording-badge'), false, 'the room is said to be recorded');
});

step('one starts a recording, and everyone sees and hears of it', async () => {
  await everyoneListens();
  await ann.press('Recordings');
  await ann.pressText('Start recording');

  for (const person of people) {
    await until(`${person.name} is told`, () => person.page.evaluate(hasHeard, 'Recording has started'));
    await until(`${person.name} sees it`, async () => (await person.text('.recording-badge')).includes('Recording'));
  }
  assert.equal(await eve.has('button.recording-badge'), false, 'for Eve there is nothing to open');
  for (const person of people) assert.equal(await person.has('.recording-notice'), false, `${person.name} has a notice as well`);
});

step('who comes into a recorded room is told', async () => {
  await eve.page.reload();
  await eve.enter();

  await until('Eve has a notice', async () => (await eve.text('.recording-notice')).includes('This room is being recorded'));
  assert.ok(await eve.has('.recording-badge'));
  await eve.pressText('Got it');
  await until('the notice is gone', async () => !(await eve.has('.recording-notice')));
});

step('a recording pauses, and its clock stands until it goes on', async () => {
  await until('there is something in it', async () => seconds(await ann.text('.recorder .elapsed')) >= ENOUGH_SECONDS);
  await ann.pressText('Pause');
  await until('it is paused', async () => (await ann.text('.recorder')).includes('Paused'));
  assert.ok((await ann.text('.recording-badge')).includes('Paused'));
  const stood = seconds(await ann.text('.recorder .elapsed'));

  await ann.pressText('Resume');
  await until('it goes on', async () => seconds(await ann.text('.recorder .elapsed')) > stood);
});

step('it is stopped, and everyone sees and hears of it', async () => {
  await everyoneListens();
  await ann.pressText('Stop');

  for (const person of people) {
    await until(`${person.name} is told`, () => person.page.evaluate(hasHeard, 'Recording has stopped'));
    await until(`${person.name} sees nothing of it any more`, async () => !(await person.has('.recording-badge')));
  }
  await until('it is complete', () => ann.has('[data-state="done"]'));
});

step('the list has a file of each track, and plays them', async () => {
  const labels = await ann.page.$$eval('.recording-person', (sections) => sections.map((section) => section.getAttribute('aria-label')));
  assert.deepEqual([...new Set(labels)].sort(), ['Ann', 'Eve']);

  await ann.press('Play: Camera of Ann');
  await until('the picture plays', () => ann.page.evaluate(plays, '.player video', 1));
  await ann.press('Play: Microphone of Ann');
  await until('the sound plays', () => ann.page.evaluate(plays, '.player audio', 1));
});

step('the same list is a page of its own, in another browser too', async () => {
  await eve.open(`${server.url}/recordings/${ROOM}`);
  await until('Eve learns that it is not for her', async () => (await eve.text()).includes('not for everyone'));

  await eve.open(`${server.url}/recordings/${ROOM}#token=${await invitation('Eve', { roomRecord: true })}`);
  await eve.press('Play: Camera of Ann');
  await until('the picture plays', () => eve.page.evaluate(plays, '.player video', 1));
});

step('a recording is deleted when it is asked for twice', async () => {
  await eve.pressText('Delete this recording');
  await eve.pressText('Keep it');
  assert.ok(await eve.has('.recording'), 'it is still there');

  await eve.pressText('Delete this recording');
  await eve.pressText('Delete', 'dialog');
  await until('it is gone', async () => (await eve.text()).includes('No recordings of this room yet'));
  const left = await fetch(`${server.url}/v1/rooms/${ROOM}/recordings`, {
    headers: { Authorization: `Bearer ${await invitation('back end', { roomRecord: true })}` },
  });
  assert.deepEqual((await left.json()).recordings, []);
});

const RECORDINGS = 'button[aria-label="Recordings"]';

function everyoneListens() {
  return Promise.all(people.map((person) => person.page.evaluate(listen)));
}

/** In the page: remembers what is announced, which shows for a few seconds only. */
function listen() {
  const heard = (window.heard = []);
  const look = () => heard.push(document.querySelector('.toasts').innerText);
  new MutationObserver(look).observe(document.querySelector('.toasts'), { childList: true, subtree: true });
}

/** In the page: whether this has been announced. */
function hasHeard(text) {
  return window.heard.some((said) => said.includes(text));
}

/** In the page: whether a player has come so far. */
function plays(selector, leastSeconds) {
  const player = document.querySelector(selector);
  if (player?.error) throw new Error(`${player.error.code}: ${player.error.message}`);
  return player !== null && player.currentTime >= leastSeconds;
}

/** `1:05` in seconds. */
function seconds(clock) {
  return clock.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
}

function invitation(name, grant = {}) {
  const access = new AccessToken(server.apiKey, server.apiSecret, { identity: name.toLowerCase(), name, ttl: '10m' });
  access.addGrant({ roomJoin: true, room: ROOM, ...grant });
  return access.toJwt();
}
