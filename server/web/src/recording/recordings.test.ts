import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Recording } from './recording';
import { elapsed, messageOf, Recordings, runningOf } from './recordings';

type Answer = { status?: number; body?: unknown };

let answers: Record<string, Answer | (() => Promise<Answer>)>;
let asked: { what: string; authorization: string | undefined; body: unknown }[];
let token: string;
let recordings: Recordings;

beforeEach(() => {
  [answers, asked, token] = [{}, [], 'one'];
  recordings = new Recordings('a/b', () => token);
  vi.stubGlobal('fetch', async (path: string, init: RequestInit = {}) => {
    const what = `${init.method ?? 'GET'} ${path}`;
    const { authorization } = init.headers as Record<string, string>;
    asked.push({ what, authorization, body: init.body });
    const given = answers[what] ?? { status: 404, body: { detail: `there is no ${what}` } };
    const { status = 200, body } = typeof given === 'function' ? await given() : given;
    return new Response(body === undefined ? null : JSON.stringify(body), { status });
  });
});

afterEach(() => vi.unstubAllGlobals());

test('the list has the newest first, from all pages', async () => {
  answers[`GET ${LIST}`] = { body: { recordings: [recording('1'), recording('2')], next_cursor: 'c' } };
  answers[`GET ${LIST}&cursor=c`] = { body: { recordings: [recording('3', 'recording')] } };

  await recordings.refresh();

  expect(recordings.shelf.all?.map(({ id }) => id)).toEqual(['3', '2', '1']);
  expect(runningOf(recordings.shelf)?.id).toBe('3');
  expect(asked[0]?.authorization).toBe('Bearer one');
});

test('a list that cannot be read keeps what is known, and says why', async () => {
  answers[`GET ${LIST}`] = { body: { recordings: [recording('1')] } };
  await recordings.refresh();

  answers[`GET ${LIST}`] = { status: 401, body: { title: 'Unauthorized', detail: 'the token has expired' } };
  await recordings.refresh();

  expect(recordings.shelf.problem).toBe('the token has expired');
  expect(recordings.shelf.all).toHaveLength(1);
});

test('following asks only after what still changes', async () => {
  answers[`GET ${LIST}`] = { body: { recordings: [recording('1'), recording('2', 'finalizing')] } };
  await recordings.refresh();
  asked.length = 0;

  answers['GET /v1/recordings/2'] = { body: recording('2', 'done') };
  await recordings.follow();
  await recordings.follow();

  expect(asked.map(({ what }) => what)).toEqual(['GET /v1/recordings/2']);
  expect(recordings.shelf.all?.map(({ state }) => state)).toEqual(['done', 'done']);
});

test('what others deleted goes by the next look', async () => {
  answers[`GET ${LIST}`] = { body: { recordings: [recording('1', 'recording')] } };
  await recordings.refresh();

  answers[`GET ${LIST}`] = { body: { recordings: [] } };
  await recordings.follow();

  expect(recordings.shelf.all).toEqual([]);
});

test('it is started, paused, resumed, stopped and deleted', async () => {
  const states: (string | undefined)[] = [];
  recordings.subscribe(() => states.push(recordings.shelf.all?.[0]?.state));
  answers[`POST ${PATH}`] = { status: 201, body: recording('1', 'recording') };
  answers[`DELETE ${PATH}/1`] = { status: 204 };
  answers['DELETE /v1/recordings/1'] = { status: 204 };

  await recordings.start();
  answers['PATCH /v1/recordings/1'] = { body: recording('1', 'paused') };
  await recordings.setPaused('1', true);
  answers['PATCH /v1/recordings/1'] = { body: recording('1', 'recording') };
  token = 'newer';
  await recordings.setPaused('1', false);
  await recordings.stop('1');
  await recordings.remove('1');

  expect(states).toEqual(['recording', 'paused', 'recording', 'finalizing', undefined]);
  expect(asked.map(({ body }) => body).filter(Boolean)).toEqual(['{"paused":true}', '{"paused":false}']);
  expect(asked.at(-1)?.authorization).toBe('Bearer newer');
});

test('what the server says against it is what people read', async () => {
  const detail = 'the disk of recording.folder has 5 bytes free';
  answers[`POST ${PATH}`] = { status: 507, body: { title: 'Insufficient storage', detail } };

  const problem = await recordings.start().catch(messageOf);

  expect(problem).toBe(detail);
  expect(recordings.shelf.all).toBeUndefined();
});

test('an answer from before a deed does not undo it', async () => {
  let answer: (given: Answer) => void = () => {};
  answers[`GET ${LIST}`] = () => new Promise((resolve) => (answer = resolve));
  answers[`POST ${PATH}`] = { status: 201, body: recording('1', 'recording') };

  const reading = recordings.refresh();
  await recordings.start();
  answer({ body: { recordings: [] } });
  await reading;

  expect(recordings.shelf.all?.map(({ id }) => id)).toEqual(['1']);
});

test('time goes on while it records, and stands while it is paused', () => {
  const known = { ...recording('1', 'recording'), seenAt: 1000 };

  expect(elapsed(known, 3500)).toBe(62.5);
  expect(elapsed({ ...known, state: 'paused' }, 3500)).toBe(60);
});

test('a file is asked for with the token, to play or to keep', () => {
  token = 'a.b+c';

  expect(recordings.fileUrl('RC_1', 'x y.mkv')).toBe('/v1/recordings/RC_1/files/x%20y.mkv?access_token=a.b%2Bc');
  expect(recordings.fileUrl('RC_1', 'x.mkv', true)).toBe('/v1/recordings/RC_1/files/x.mkv?access_token=a.b%2Bc&download=true');
});

const PATH = '/v1/rooms/a%2Fb/recordings';
const LIST = `${PATH}?limit=1000`;

function recording(id: string, state: Recording['state'] = 'done'): Recording {
  return { id, room: 'a/b', state, started_at: '2026-11-21T12:00:00Z', duration: 60, dropped_packets: 0, files: [], composites: [] };
}
