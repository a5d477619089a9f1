import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Person } from '../browser/person.mjs';
import { token } from '../sdk/member.mjs';
import { RtpLog } from '../shared/rtp-log.mjs';
import { Server } from '../shared/server.mjs';
import { until, untilNothingIsWrong } from '../shared/until.mjs';

// The server and two browsers each write down what they send and receive without encryption; then the texts of the two
// ends of each session are laid side by side.
const ROOM = 'dump';
/** Packets of each way that are to be compared: some seconds of a conference. */
const ENOUGH_PACKETS = { rtp: 200, rtcp: 25 };
/** Share of packets that may get lost on this machine's own network when it is busy. */
const LOST_AT_MOST = 0.01;

let folder;
let server;
let people;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plenary-dump-'));
  server = await Server.start(['--debug-rtp-dump', join(folder, 'server'), '--debug-rtp-dump-rooms', ROOM]);
  people = [
    new Person({ name: 'Ann', browser: 'chromium', hue: 200, tone: 500, rtpLog: join(folder, 'chromium') }),
    new Person({ name: 'Eve', browser: 'firefox', hue: 30, tone: 1400, rtpLog: join(folder, 'firefox') }),
  ];
  await Promise.all(people.map((person) => person.start()));
  for (const person of people) await person.join(server, ROOM, { token: await token(server, ROOM, person.name, { name: person.name }) });
  const [ann, eve] = people;
  await untilNothingIsWrong('both see and hear the other', async () => [...(await ann.missing([eve])), ...(await eve.missing([ann]))])
    .catch(explain);
  await until('enough packets have come', async () => (await Promise.all(people.map(packetsReceived))).every((count) => count >= 1.2 * ENOUGH_PACKETS.rtp));
  // Browsers and the server write the last of it when they end.
  await Promise.all(people.map((person) => person.close()));
  assert.equal(await server.stop(), 0);
}, { timeout: 90_000 });

after(async () => {
  await Promise.allSettled((people ?? []).map((person) => person.close()));
  await server?.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
}, { timeout: 30_000 });

test("dumps are their owner's alone", async () => {
  const names = await readdir(join(folder, 'server'));

  assert.equal(names.length, people.length);
  for (const name of names) {
    const { mode } = await stat(join(folder, 'server', name));
    assert.equal(mode & 0o777, 0o600, name);
  }
});

for (const [index, kind] of ['chromium', 'firefox'].entries()) {
  describe(`the dump and the log of ${kind} agree`, () => {
    let dump;
    let log;
    before(async () => {
      dump = await RtpLog.read(await dumpOf(people[index]));
      log = await RtpLog.read(join(folder, kind));
    });

    for (const [what, enough] of Object.entries(ENOUGH_PACKETS)) {
      test(`on the ${what} that the browser has received`, () => agree(dump.sent[what], log.received[what], enough));
      test(`on the ${what} that the browser has sent`, () => agree(log.sent[what], dump.received[what], enough));
    }
  });
}

/**
 * Everything received was sent, with the same bytes and in the same order, and hardly anything sent was not received.
 * As the two do not end at the same moment, the one text goes on after the end of the other.
 */
function agree(sent, received, enough) {
  let [place, lost] = [0, 0];
  const strange = received.filter((packet) => {
    const found = sent.indexOf(packet, place);
    if (found < 0) return true;
    lost += found - place;
    place = found + 1;
    return false;
  });
  const same = received.length - strange.length;
  const isLate = place === sent.length && strange.every((packet, index) => packet === received[same + index]);
  assert.ok(strange.length === 0 || isLate, `${strange.length} packets were received and not sent, such as ${strange[0]}`);
  assert.ok(same >= enough, `${same} packets are in both`);
  assert.ok(lost <= same * LOST_AT_MOST, `${lost} packets were sent and not received, of ${same}`);
}

async function dumpOf(person) {
  const names = await readdir(join(folder, 'server'));
  const paths = names.map((name) => join(folder, 'server', name));
  const texts = await Promise.all(paths.map((path) => readFile(path, 'latin1')));
  return paths[texts.findIndex((text) => text.split('\n', 1)[0].includes(`"${person.name}"`))];
}

async function packetsReceived(person) {
  const streams = (await person.rtp()).filter(({ type }) => type === 'inbound-rtp');
  return streams.reduce((total, { packetsReceived }) => total + packetsReceived, 0);
}

function explain(error) {
  console.error([server.logTail(), ...people.map((person) => person.report())].join('\n'));
  throw error;
}
