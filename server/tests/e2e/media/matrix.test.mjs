import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { dispose } from '@livekit/rtc-node';
import { Relay } from '../shared/relay.mjs';
import { Server } from '../shared/server.mjs';
import { InBrowser, InNode } from './client.mjs';
import { Conference } from './episodes.mjs';

// Each kind of client publishes to, and receives from, the two others: with simulcast, and with what repairs
// packets or saves them. All hold one conference, in which a few things happen, each once, when a test first
// wants to know what comes of it.
const chromium = new InBrowser({ kind: 'Chromium', name: 'Ann', browser: 'chromium', hue: 200, tone: 500 });
const firefox = new InBrowser({ kind: 'Firefox', name: 'Eve', browser: 'firefox', hue: 30, tone: 1400 });
const node = new InNode({ name: 'Ned', colour: [40, 200, 60], tone: 900 });
const clients = [chromium, firefox, node];

/** What is to be shown all the same when media is lost: share of the pictures sent, and longest time without any. */
const SHOWN_UNDER_LOSS = 0.7;
const LONGEST_STILL_SECONDS = 2;
/** Opus has 50 packets a second, and with DTX about 3 of silence. */
const QUIET_PACKETS = 15 * 3;

let server;
let relay;
let conference;
let explained = false;
const [sizesChange, mediaIsLost, everyoneIsSilent] = ['sizesChange', 'mediaIsLost', 'everyoneIsSilent'].map((episode) => {
  let result;
  return () => (result ??= conference[episode]());
});

before(async () => {
  server = await Server.start(Relay.flags());
  relay = await Relay.start(server);
  conference = new Conference(relay, clients);
  await Promise.all(clients.map((client) => client.start()));
  await conference.gather(server, 'matrix').catch(explain);
}, { timeout: 120_000 });

after(async () => {
  await Promise.allSettled(clients.map((client) => client.leave()));
  await relay?.close();
  await server?.stop();
  await dispose();
}, { timeout: 30_000 });

for (const client of clients) {
  const others = clients.filter((other) => other !== client);
  const offersRtx = client !== node;
  const takesRed = client !== firefox;

  describe(`${client} publishes`, () => {
    check('simulcast: whoever asks for another size gets another encoding', async () => {
      const { sizesSeen, sent } = await sizesChange();

      for (const other of others) assert.deepEqual(sizesSeen(other, client), ['large', 'small', 'large'], `sizes seen by ${other}`);
      assert.ok(sent(client, 'video').filter(({ frames }) => frames > 0).length >= 2, 'encodings are sent');
    });

    check(offersRtx ? 'RTX: what is lost is sent again' : 'no RTX, which it does not offer: what is lost is sent again in its own stream', async () => {
      const { sent } = await mediaIsLost();

      const pictures = sent(client, 'video');
      const lost = sum(pictures, ({ onWire }) => onWire.lost);
      const repeated = sum(pictures, (stream) => stream.repeated);
      const repairs = sum(pictures, ({ repairOnWire }) => repairOnWire.packets);
      assert.ok(lost >= 10 && repeated >= lost / 2, `${repeated} packets sent again of ${lost} lost`);
      if (offersRtx) assert.ok(repairs >= repeated / 2, `${repairs} of ${repeated} by RTX`);
      else assert.equal(repairs, 0);
    });

    check('and pictures go on under loss', async () => {
      const changes = await mediaIsLost();

      for (const other of others) picturesGoOn(changes, other, client);
    });

    check(takesRed ? 'RED: each packet of sound carries the one before' : 'Opus without RED, which it does not have', async () => {
      assert.equal(await client.knows('red'), takesRed);
      const [sound] = (await mediaIsLost()).sent(client, 'audio');

      assert.deepEqual(await codecsOf(client, sound), [takesRed ? 'red' : 'opus']);
    });

    check('DTX: silence makes few packets, and sound comes back', async () => {
      const { sent, hearsAgain } = await everyoneIsSilent();

      const [{ packets }] = sent(client, 'audio');
      assert.ok(packets <= QUIET_PACKETS, `${packets} packets of silence`);
      for (const other of others) assert.ok(hearsAgain(other, client), `${other} hears it again`);
    });

    check('and nothing is missed where nothing is lost', async () => {
      const { received } = await sizesChange();

      for (const other of others) {
        for (const kind of ['audio', 'video']) assert.equal(received(other, client, kind).lost, 0, `${kind} at ${other}`);
      }
    });
  });

  describe(`${client} receives`, () => {
    check('simulcast: another encoding for another size', async () => {
      const { sizesSeen } = await sizesChange();

      for (const other of others) assert.deepEqual(sizesSeen(client, other), ['large', 'small', 'large'], `sizes of ${other}`);
    });

    check('RTX: what is lost comes again, and pictures go on', async () => {
      const changes = await mediaIsLost();

      for (const other of others) {
        const picture = changes.received(client, other, 'video');
        const [again, lost] = [picture.repairOnWire.packets, picture.onWire.lost];
        assert.ok(lost >= 5 && again >= lost / 2, `${again} packets by RTX for ${lost} lost of ${other}`);
        picturesGoOn(changes, client, other);
      }
    });

    for (const other of others.filter((own) => own !== firefox)) {
      check(takesRed ? `RED of ${other}: lost sound is hardly missed` : `Opus out of the RED of ${other}`, async () => {
        const { received } = await mediaIsLost();

        const sound = received(client, other, 'audio');
        const lost = sound.lost / (sound.lost + sound.packets);
        const concealed = sound.concealedSamples / sound.samples;
        assert.deepEqual(await codecsOf(client, sound), [takesRed ? 'red' : 'opus']);
        assert.ok(lost > 0.05, `${lost} lost`);
        if (takesRed) assert.ok(concealed < lost / 2, `${concealed} concealed of ${lost} lost`);
      });
    }

    check('DTX: few packets of silence, none of them missing, and sound comes back', async () => {
      const { received, hearsAgain } = await everyoneIsSilent();

      for (const other of others) {
        const { packets, lost } = received(client, other, 'audio');
        assert.ok(packets <= QUIET_PACKETS, `${packets} packets of silence of ${other}`);
        assert.equal(lost, 0, `packets of ${other} missing`);
        assert.ok(hearsAgain(client, other), `hears ${other} again`);
      }
    });
  });
}

/** A test that tells more if it fails. */
function check(name, run) {
  test(name, { timeout: 90_000 }, () => run().catch(explain));
}

async function explain(error) {
  if (!explained) console.error([server.logTail(), await conference.report()].join('\n'));
  explained = true;
  throw error;
}

function picturesGoOn({ received, sent, longestStillSeconds }, receiver, publisher) {
  // Encodings are of one camera: that with the most pictures has all there were.
  const most = Math.max(...sent(publisher, 'video').map(({ frames }) => frames));
  const shown = received(receiver, publisher, 'video').frames / most;
  const still = longestStillSeconds(receiver, publisher);
  assert.ok(shown >= SHOWN_UNDER_LOSS && still <= LONGEST_STILL_SECONDS, `${receiver} shows ${shown} of ${publisher}, none for ${still} s`);
}

function sum(streams, count) {
  return streams.reduce((total, stream) => total + count(stream), 0);
}

async function codecsOf(client, { onWire }) {
  const names = await client.codecs();
  return onWire.payloadTypes.map((type) => names[type]);
}
