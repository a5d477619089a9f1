/** Why a request to the server failed, in words for the person at the screen. */
export class Problem extends Error {
  /** HTTP status, or `undefined` when no answer came at all. */
  readonly status: number | undefined;

  constructor(message: string, status?: number) {
    super(message);
    this.name = 'Problem';
    this.status = status;
  }

  get unreachable(): boolean {
    return this.status === undefined || this.status === 502 || this.status === 503 || this.status === 504;
  }
}

/** Fetches JSON; every failure is a `Problem`. The server's errors are RFC 9457 problem documents. */
export async function fetchJson<T>(path: string, init?: RequestInit): Promise<T> {
  const { body, status } = await ask(path, init);
  if (body === undefined) throw new Problem('The server gave an answer that is not JSON.', status);
  return body as T;
}

/** As `fetchJson`, where the answer is only that it is done. */
export async function send(path: string, init: RequestInit): Promise<void> {
  await ask(path, init);
}

async function ask(path: string, init?: RequestInit): Promise<{ body: unknown; status: number }> {
  let response: Response;
  try {
    response = await fetch(path, { cache: 'no-store', signal: AbortSignal.timeout(10_000), ...init });
  } catch {
    throw new Problem('The server does not answer.');
  }
  const body: unknown = await response.json().catch(() => undefined);
  if (!response.ok) throw new Problem(detailOf(body) ?? `The server refused (status ${response.status}).`, response.status);
  return { body, status: response.status };
}

function detailOf(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const { detail, title } = body as { detail?: unknown; title?: unknown };
  if (typeof detail === 'string' && detail) return detail;
  return typeof title === 'string' && title ? title : undefined;
}
