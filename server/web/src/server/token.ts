import { fetchJson } from './problem';

/** The part of an access token that the page shows. It is read, never trusted: the server checks the token. */
export interface TokenClaims {
  identity?: string;
  name?: string;
  room?: string;
  /** Whether the token is for recording: its room, or all if it names none. */
  records?: boolean;
}

/** Asks the server for a token; only servers with `guest_tokens` give one. */
export async function requestGuestToken(room: string, name: string): Promise<string> {
  const answer = await fetchJson<{ token: string }>(`/v1/rooms/${encodeURIComponent(room)}/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name }),
  });
  return answer.token;
}

/**
 * Takes the token out of the address (`/room/name#token=…`), so that an address copied from the
 * browser never gives it away, and keeps it for this tab so that a reload still works.
 */
export function takeTokenFromAddress(room: string): string | undefined {
  const key = `plenary.token.${room}`;
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (token) {
    sessionStorage.setItem(key, token);
    history.replaceState(history.state, '', location.pathname + location.search);
  }
  return token ?? sessionStorage.getItem(key) ?? undefined;
}

export function claimsOf(token: string): TokenClaims {
  try {
    const payload = token.split('.')[1]!.replaceAll('-', '+').replaceAll('_', '/');
    const bytes = Uint8Array.from(atob(payload), (c) => c.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder().decode(bytes));
    const { video } = claims;
    return { identity: text(claims.sub), name: text(claims.name), room: text(video?.room), records: video?.roomRecord === true };
  } catch {
    return {};
  }
}

/** Whether a token says that its bearer may record this room. */
export function mayRecord(token: string | undefined, room: string): boolean {
  if (!token) return false;
  const claims = claimsOf(token);
  return claims.records === true && (claims.room === undefined || claims.room === room);
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value ? value : undefined;
}
