import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Waits until `probe` gives something truthy and returns that; fails with the last value it gave.
 * This is the only way these suites wait: every wait has a condition and a deadline.
 */
export async function until(what, probe, { withinMs = 20_000, everyMs = 150 } = {}) {
  const deadline = performance.now() + withinMs;
  let last;
  for (;;) {
    try {
      last = await probe();
      if (last) return last;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) break;
    await sleep(everyMs);
  }
  throw new Error(`not within ${withinMs} ms: ${what} (last: ${describe(last)})`, last instanceof Error ? { cause: last } : undefined);
}

/** As `until`, for probes that give a list of what is still wrong: done when the list is empty. */
export async function untilNothingIsWrong(what, probe, options) {
  let wrong;
  try {
    await until(what, async () => (wrong = await probe()).length === 0, options);
  } catch (error) {
    throw new Error(`${error.message}\n  still wrong: ${wrong?.join('\n               ')}`, { cause: error.cause });
  }
}

function describe(value) {
  return value instanceof Error ? value.message : JSON.stringify(value);
}
