import { expect, test } from 'vitest';
import { clockTime, size, spokenTime } from './words';

test('a time looks as on a clock', () => {
  expect([0, 7.9, 65, 3599.99, 3723, 360_000].map(clockTime)).toEqual(['0:00', '0:07', '1:05', '59:59', '1:02:03', '100:00:00']);
  expect(clockTime(-0.4)).toBe('0:00');
});

test('a time is said in full, without what is zero', () => {
  expect([0, 1, 61, 3600, 7322].map(spokenTime)).toEqual([
    '0 seconds',
    '1 second',
    '1 minute 1 second',
    '1 hour',
    '2 hours 2 minutes 2 seconds',
  ]);
});

test('a size has two or three digits', () => {
  expect([0, 999, 1000, 9_940, 9_960, 138_400_000, 999_600_000, 5_000_000_000_000_000].map(size)).toEqual([
    '0 B',
    '999 B',
    '1.0 kB',
    '9.9 kB',
    '10 kB',
    '138 MB',
    '1.0 GB',
    '5000 TB',
  ]);
});
