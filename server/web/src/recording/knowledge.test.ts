import { expect, test } from 'vitest';
import { learn } from './knowledge';

test('who is there when a recording starts hears of it, and needs no notice', () => {
  expect(learn('not recorded', true, true)).toBe('told');
});

test('who comes into a recorded room is to be told', () => {
  expect(learn('not recorded', true, false)).toBe('untold');
});

test('coming back after a lost connection is no news', () => {
  expect(learn('told', true, false)).toBe('told');
  expect(learn('untold', true, false)).toBe('untold');
});

test('what was known about one recording is not known about the next', () => {
  expect(learn('told', false, true)).toBe('not recorded');
  expect(learn(learn('told', false, false), true, false)).toBe('untold');
});
