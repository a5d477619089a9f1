import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { after, afterEach, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Server } from '../shared/server.mjs';
import { until, untilNothingIsWrong } from '../shared/until.mjs';
import { isHue, Person } from './person.mjs';

// Three people hold one conference from the first test to the last, as in a real one.
const ROOM = 'lumo-tavi-reko';
const SCREENSHOT = fileURLToPath(new URL('../../../docs/conference.png', import.meta.url));

const ann = new Person({ name: 'Ann', browser: 'chromium', hue: 200, tone: 500 });
const ben = new Person({ name: 'Ben', browser: 'chromium', hue: 110, tone: 900 });
const eve = new Person({ name: 'Eve', browser: 'firefox', hue: 30, tone: 1400 });
const people = [ann, ben, eve];
let server;
let failed = false;
let reported = false;

before(async () => {
  server = await Server.start();
  await Promise.all(people.map((person) => person.start()));
}, { timeout: 60_000 });

after(async () => {
  await Promise.all(people.map((person) => person.close()));
  await server?.stop();
}, { timeout: 30_000 });

afterEach(() => {
  if (!failed || reported) return;
  reported = true;
  console.error([server.logTail(), ...people.map((person) => person.report())].join('\n'));
});

/** A test that takes part in the one conference; its time is bounded, and it has no sense after a failure. */
function step(name, run) {
  test(name, { timeout: 90_000 }, async (context) => {
    if (failed) return context.skip('an earlier step failed');
    failed = true;
    await run();
    failed = false;
  });
}

step('everyone sees and hears the two others', async () => {
  for (const person of people) await person.join(server, ROOM);

  await everyoneSeesAndHears(people);
});

step('pictures keep moving', async () => {
  const looks = new Map();
  await untilNothingIsWrong('every picture has had three looks', async () => {
    for (const person of people) {
      for (const { name, look } of await person.tiles()) {
        const key = `${name} at ${person.name}`;
        looks.set(key, (looks.get(key) ?? new Set()).add(look));
      }
    }
    return [...looks].filter(([, seen]) => seen.size < 3).map(([key]) => `${key} stands still`);
  });
});

step('the running conference can be photographed', async () => {
  await until('announcements are gone', async () => !(await ann.has('.toast')));
  await ann.page.mouse.move(0, 0); // off the tiles, which show a pin to a pointer
  const picture = await ann.page.screenshot();
  assert.ok(picture.length > 10_000);

  if (process.env.UPDATE_SCREENSHOT === '1') {
    await mkdir(fileURLToPath(new URL('.', `file://${SCREENSHOT}`)), { recursive: true });
    await ann.page.screenshot({ path: SCREENSHOT });
  }
});

step('chat arrives at everyone', async () => {
  for (const person of people) {
    const text = `${person.name} says hello to all`;
    await person.say(text);
    for (const reader of people) {
      await reader.openPanel('Chat');
      await until(`${reader.name} reads: ${text}`, async () => (await reader.text('.chat-messages')).includes(text));
    }
  }
  for (const person of people) await person.press('Close chat');
});

step('a small tile receives the small encoding, a large one the large', async () => {
  await ann.press('Speaker view');
  await until('the large tile of one and the small tile of the other', async () => {
    const widths = [(await ann.tileOf(ben)).width, (await ann.tileOf(eve)).width].sort((a, b) => a - b);
    return widths[0] > 0 && widths[0] <= 320 && widths[1] >= 640;
  }, { withinMs: 40_000 });

  await ann.press('Grid view');
  await until('both tiles are large again', async () => (await ann.tileOf(ben)).width >= 640 && (await ann.tileOf(eve)).width >= 640, {
    withinMs: 40_000,
  });
  await everyoneSeesAndHears(people);
});

step('a shared screen shows, and goes', async () => {
  const screenHue = (ben.hue + 180) % 360;
  await ben.press('Share screen');
  for (const viewer of [ann, eve]) {
    await until(`${viewer.name} sees Ben's screen`, async () => isHue((await viewer.tileOf(ben, 'screen_share'))?.hue, screenHue));
  }

  await ben.press('Share screen');
  for (const viewer of [ann, eve]) {
    await until(`${viewer.name} no longer has Ben's screen`, async () => !(await viewer.tileOf(ben, 'screen_share')));
  }
});

step('the others see who mutes, and hear nothing of them', async () => {
  await eve.press('Microphone');
  for (const other of [ann, ben]) {
    await until(`${other.name} sees that Eve is muted`, async () => (await other.tileOf(eve)).label.includes('muted'));
    await until(`${other.name} does not hear Eve`, async () => !(await other.tones()).some((pitch) => Math.abs(pitch - eve.tone) < 20));
  }

  await eve.press('Microphone');
  for (const other of [ann, ben]) {
    await until(`${other.name} sees that Eve is not muted`, async () => !(await other.tileOf(eve)).label.includes('muted'));
  }
  await everyoneSeesAndHears(people);
});

step('a camera that is turned off gives way to initials, and comes back', async () => {
  await ann.press('Camera');
  for (const other of [ben, eve]) {
    await until(`${other.name} sees that Ann's camera is off`, async () => (await other.tileOf(ann)).label.includes('camera off'));
  }

  await ann.press('Camera');
  await everyoneSeesAndHears(people);
});

step('who leaves is gone for the others, and can come back', async () => {
  await ben.press('Leave');
  await until('Ben is told that he left', async () => (await ben.text()).includes('You left the room'));
  await untilNothingIsWrong('Ann and Eve are alone', async () => [...(await ann.missing([eve])), ...(await eve.missing([ann]))]);

  await ben.join(server, ROOM);
  await everyoneSeesAndHears(people);
});

step('when the server stops and starts, everyone is back', async () => {
  assert.equal(await server.stop(), 0, 'exit code');
  for (const person of people) {
    await until(`${person.name} is told that the connection is lost`, () => person.has('.connection-notice'));
  }

  await server.start();
  await everyoneSeesAndHears(people, { withinMs: 60_000 });
  for (const person of people) assert.equal(await person.has('.connection-notice'), false, `${person.name} has no notice left`);
});

async function everyoneSeesAndHears(everyone, options = { withinMs: 40_000 }) {
  await untilNothingIsWrong('everyone sees and hears the others', async () => {
    const missing = await Promise.all(everyone.map((person) => person.missing(everyone.filter((other) => other !== person))));
    return missing.flat();
  }, options);
}
