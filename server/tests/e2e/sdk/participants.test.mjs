import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DisconnectReason, RpcError, dispose } from '@livekit/rtc-node';
import { AccessToken } from 'livekit-server-sdk';
import { Server } from '../shared/server.mjs';
import { until, untilNothingIsWrong } from '../shared/until.mjs';
import { Member, isColour, token } from './member.mjs';

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
  test(name, { timeout: 60_000 }, async () => {
    members = [];
    try {
      await run(`room-${++rooms}`);
    } catch (error) {
      console.error(server.logTail());
      throw error;
    } finally {
      await Promise.allSettled(members.map((member) => member.leave()));
    }
  });
}

async function enter(room, identity, { colour, tone, ...options } = {}) {
  const member = new Member(identity, { colour, tone });
  members.push(member);
  return member.join(server, room, options);
}

async function api(method, path, grants) {
  const access = new AccessToken(server.apiKey, server.apiSecret, { identity: 'api', ttl: '5m' });
  access.addGrant(grants);
  return fetch(`${server.url}${path}`, { method, headers: { authorization: `Bearer ${await access.toJwt()}` } });
}

inRoom('three participants see and hear each other', async (room) => {
  const ann = await enter(room, 'ann', { colour: [220, 40, 40], tone: 500 });
  const ben = await enter(room, 'ben', { colour: [40, 200, 60], tone: 900 });
  const eve = await enter(room, 'eve', { colour: [50, 60, 220], tone: 1400 });
  for (const member of members) {
    await member.publishCamera();
    await member.publishMicrophone();
  }

  await untilNothingIsWrong('everyone receives the two others', () => {
    const pairs = [ann, ben, eve].flatMap((me) => members.filter((other) => other !== me).map((other) => [me, other]));
    return pairs.flatMap(([me, other]) => [
      ...(isColour(me.sees(other.identity), other.colour) ? [] : [`${me.identity} sees ${me.sees(other.identity)} of ${other.identity}`]),
      ...(Math.abs((me.hears(other.identity) ?? 0) - other.tone) <= 20 ? [] : [`${me.identity} hears ${me.hears(other.identity)} of ${other.identity}`]),
    ]);
  });
});

inRoom('data reaches all or one, and never its sender', async (room) => {
  const [ann, ben, eve] = [await enter(room, 'ann'), await enter(room, 'ben'), await enter(room, 'eve')];
  await until('ann knows both', () => ann.others().length === 2);
  const bytes = (text) => new TextEncoder().encode(text);

  await ann.me.publishData(bytes('to all'), { reliable: true, topic: 'greeting' });
  await ann.me.publishData(bytes('to eve'), { reliable: true, destination_identities: ['eve'] });
  await until('eve has both', () => eve.messages.length >= 2);
  await until('ben has his', () => ben.messages.length >= 1);
  await until('a lossy one arrives', async () => {
    await ann.me.publishData(bytes('lossy'), { reliable: false });
    return ben.messages.some(([, text]) => text === 'lossy');
  });

  assert.deepEqual(ben.messages[0], ['ann', 'to all', 'greeting']);
  assert.ok(!ben.messages.some(([, text]) => text === 'to eve'));
  assert.deepEqual(ann.messages, []);
});

inRoom('a procedure is called at another participant', async (room) => {
  const [ann, ben] = [await enter(room, 'ann'), await enter(room, 'ben')];
  ben.me.registerRpcMethod('double', async ({ payload, callerIdentity }) => {
    if (Number.isNaN(Number(payload))) throw new RpcError(1234, 'not a number');
    return `${2 * Number(payload)} for ${callerIdentity}`;
  });
  await until('ann knows ben', () => ann.other('ben'));

  const call = (payload) => ann.me.performRpc({ destinationIdentity: 'ben', method: 'double', payload });

  assert.equal(await call('21'), '42 for ann');
  await assert.rejects(call('x'), (error) => error.code === 1234);
});

inRoom('a text stream arrives whole', async (room) => {
  const [ann, ben] = [await enter(room, 'ann'), await enter(room, 'ben')];
  const text = 'All of this, '.repeat(5_000);
  const received = new Promise((resolve) => ben.room.registerTextStreamHandler('story', async (reader) => resolve(await reader.readAll())));
  await until('ann knows ben', () => ann.other('ben'));

  await ann.me.sendText(text, { topic: 'story' });

  assert.equal(await received, text);
});

inRoom('metadata, name and attributes are seen by others', async (room) => {
  const [ann, ben] = [await enter(room, 'ann'), await enter(room, 'ben')];

  await ann.me.updateMetadata('about me');
  await ann.me.updateName('Ann A.');
  await ann.me.setAttributes({ hand: 'raised', mood: 'good' });
  await ann.me.setAttributes({ mood: '' });

  await until('ben sees them', () => {
    const seen = ben.other('ann');
    return seen?.metadata === 'about me' && seen.name === 'Ann A.' && seen.attributes.hand === 'raised' && !seen.attributes.mood;
  });
});

inRoom('metadata stays as it is without the grant', async (room) => {
  const ann = await enter(room, 'ann', { grants: { canUpdateOwnMetadata: false } });
  const ben = await enter(room, 'ben');
  await until('ben knows ann', () => ben.other('ann'));

  await ann.me.updateMetadata('about me').catch(() => {});
  await ann.me.publishData(new TextEncoder().encode('done'), { reliable: true });
  await until('what was sent later has arrived', () => ben.messages.length > 0);

  assert.equal(ben.other('ann').metadata, '');
});

inRoom('unpublishing and publishing again are seen', async (room) => {
  const [ann, ben] = [await enter(room, 'ann', { tone: 700 }), await enter(room, 'ben')];
  const publication = await ann.publishMicrophone();
  await until('ben hears ann', () => Math.abs((ben.hears('ann') ?? 0) - 700) <= 20);
  const saw = (name) => until(`ben sees ${name}`, () => ben.events.some(([event, from]) => event === name && from === 'ann'));

  await ann.me.unpublishTrack(publication.sid);
  await saw('TrackUnpublished');
  ann.tone = 1100;
  await ann.publishMicrophone();

  await until('ben hears ann again', () => Math.abs((ben.hears('ann') ?? 0) - 1100) <= 20);
});

inRoom('who leaves is gone for the others', async (room) => {
  const [ann, ben] = [await enter(room, 'ann'), await enter(room, 'ben')];
  await until('ann knows ben', () => ann.other('ben'));

  await ben.leave();

  await until('ben is gone', () => ann.others().length === 0);
});

inRoom('a second join with the same identity ends the first', async (room) => {
  const first = await enter(room, 'ann');
  const second = await enter(room, 'ann');

  await until('the first is told', () => first.events.some(([event]) => event === 'disconnected'));
  assert.deepEqual(first.events.at(-1), ['disconnected', DisconnectReason.DUPLICATE_IDENTITY]);
  assert.equal(second.room.isConnected, true);
});

inRoom('the API lists rooms and removes participants', async (room) => {
  const [ann, ben] = [await enter(room, 'ann'), await enter(room, 'ben')];
  await until('ann knows ben', () => ann.other('ben'));

  const { rooms } = await (await api('GET', '/v1/rooms', { roomList: true })).json();
  assert.equal(rooms.find(({ name }) => name === room).num_participants, 2);
  const removed = await api('DELETE', `/v1/rooms/${room}/participants/ben`, { roomAdmin: true, room });

  assert.equal(removed.ok, true);
  await until('ben is told', () => ben.events.some(([event, reason]) => event === 'disconnected' && reason === DisconnectReason.PARTICIPANT_REMOVED));
  await until('ann sees it', () => ann.others().length === 0);
});

inRoom('nothing is received before it is subscribed to', async (room) => {
  const [ann, ben] = [await enter(room, 'ann', { tone: 600 }), await enter(room, 'ben', { autoSubscribe: false })];
  const { sid } = await ann.publishMicrophone();
  const publication = await until('ben knows the track', () => ben.other('ann')?.trackPublications.get(sid));
  assert.equal(publication.subscribed, false);

  publication.setSubscribed(true);

  await until('ben hears ann', () => Math.abs((ben.hears('ann') ?? 0) - 600) <= 20);
});

inRoom('a wrong and an expired token are refused', async (room) => {
  const wrong = await token({ apiKey: server.apiKey, apiSecret: 'another secret that is long enough!!' }, room, 'ann');
  const expired = await token(server, room, 'ann', { ttl: '-10m' }).catch(() => undefined);

  for (const jwt of [wrong, expired, 'no token at all'].filter(Boolean)) {
    await assert.rejects(enter(room, 'ann', { jwt }), /401|invalid|unauthor|NotAllowed/i);
  }
});
