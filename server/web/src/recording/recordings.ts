import { fetchJson, Problem, send } from '../server/problem';
import { isRunning, isUnsettled, type Recording } from './recording';

/** A recording, and when the server said so. */
export interface Seen extends Recording {
  seenAt: number;
}

export interface Shelf {
  /** Newest first; `undefined` until the server has told. */
  all: readonly Seen[] | undefined;
  /** Why the list could not be read. */
  problem: string | undefined;
}

/** The recordings of a room as far as this page knows, and what can be done with them. */
export class Recordings {
  readonly room: string;
  readonly #token: () => string | undefined;
  readonly #listeners = new Set<() => void>();
  #shelf: Shelf = { all: undefined, problem: undefined };
  /** Counts what was done, because an answer to a question asked before is of the past. */
  #deeds = 0;

  /** `token` gives the newest token there is. */
  constructor(room: string, token: () => string | undefined) {
    this.room = room;
    this.#token = token;
  }

  get shelf(): Shelf {
    return this.#shelf;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Reads the whole list. */
  async refresh(): Promise<void> {
    const deeds = this.#deeds;
    try {
      const all = await this.#read();
      if (deeds === this.#deeds) this.#put({ all, problem: undefined });
    } catch (error) {
      if (deeds === this.#deeds) this.#put({ ...this.#shelf, problem: messageOf(error) });
    }
  }

  /** Asks only after those that still change. */
  async follow(): Promise<void> {
    const { all, problem } = this.#shelf;
    if (!all || problem) return this.refresh();
    const deeds = this.#deeds;
    const unsettled = all.filter(isUnsettled);
    const asked = unsettled.map(({ id }) => fetchJson<Recording>(pathOf(id), { headers: this.#headers() }));
    for (const answer of await Promise.allSettled(asked)) {
      if (deeds !== this.#deeds) return;
      if (answer.status === 'fulfilled') this.#replace(answer.value);
      else return this.refresh();
    }
  }

  async start(): Promise<void> {
    this.#deeds++;
    const begun = await fetchJson<Recording>(this.#path(), { method: 'POST', headers: this.#headers() });
    this.#deeds++;
    this.#put({ all: [seen(begun), ...(this.#shelf.all ?? []).filter(({ id }) => id !== begun.id)], problem: undefined });
  }

  async setPaused(id: string, paused: boolean): Promise<void> {
    this.#deeds++;
    const headers = { ...this.#headers(), 'content-type': 'application/json' };
    const changed = await fetchJson<Recording>(pathOf(id), { method: 'PATCH', headers, body: JSON.stringify({ paused }) });
    this.#deeds++;
    this.#replace(changed);
  }

  async stop(id: string): Promise<void> {
    this.#deeds++;
    await send(`${this.#path()}/${id}`, { method: 'DELETE', headers: this.#headers() });
    this.#deeds++;
    const own = this.#shelf.all?.find((recording) => recording.id === id);
    if (own) this.#replace({ ...own, state: 'finalizing', duration: elapsed(own) });
  }

  /** Deletes it with all its files. */
  async remove(id: string): Promise<void> {
    this.#deeds++;
    await send(pathOf(id), { method: 'DELETE', headers: this.#headers() });
    this.#deeds++;
    this.#put({ ...this.#shelf, all: this.#shelf.all?.filter((recording) => recording.id !== id) });
  }

  /** Where a player finds a file; with `download` the browser saves it. */
  fileUrl(id: string, file: string, download = false): string {
    const query = new URLSearchParams({ access_token: this.#token() ?? '', ...(download && { download: 'true' }) });
    return `${pathOf(id)}/files/${encodeURIComponent(file)}?${query}`;
  }

  async #read(): Promise<Seen[]> {
    const all: Seen[] = [];
    let cursor: string | undefined;
    do {
      const query = new URLSearchParams({ limit: String(PAGE), ...(cursor && { cursor }) });
      const page = await fetchJson<{ recordings: Recording[]; next_cursor?: string }>(`${this.#path()}?${query}`, { headers: this.#headers() });
      all.push(...page.recordings.map(seen));
      cursor = page.next_cursor;
    } while (cursor);
    return all.reverse();
  }

  #path(): string {
    return `/v1/rooms/${encodeURIComponent(this.room)}/recordings`;
  }

  #headers(): Record<string, string> {
    return { authorization: `Bearer ${this.#token() ?? ''}` };
  }

  #replace(changed: Recording): void {
    const all = this.#shelf.all?.map((own) => (own.id === changed.id ? seen(changed) : own));
    this.#put({ ...this.#shelf, all });
  }

  #put(shelf: Shelf): void {
    this.#shelf = shelf;
    for (const listener of this.#listeners) listener();
  }
}

/** Most that the server gives at once. */
const PAGE = 1000;

/** Seconds that a recording has by now, by what the server said last. */
export function elapsed({ state, duration, seenAt }: Seen, now = performance.now()): number {
  return state === 'recording' ? duration + (now - seenAt) / 1000 : duration;
}

/** The newest that runs. */
export function runningOf({ all }: Shelf): Seen | undefined {
  return all?.find(isRunning);
}

/** Why something did not work, as people read it. */
export function messageOf(error: unknown): string {
  return error instanceof Problem ? error.message : `It did not work: ${String(error)}`;
}

function seen(recording: Recording): Seen {
  return { ...recording, seenAt: performance.now() };
}

function pathOf(id: string): string {
  return `/v1/recordings/${encodeURIComponent(id)}`;
}
