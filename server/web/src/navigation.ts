import { useSyncExternalStore } from 'react';

/** What an address of this site stands for. */
export type Place = { kind: 'landing' } | { kind: 'room'; room: string } | { kind: 'unknown' };

export function placeOf(pathname: string): Place {
  if (pathname === '/' || pathname === '') return { kind: 'landing' };
  const match = /^\/room\/([^/]+)\/?$/.exec(pathname);
  const room = match?.[1] && decode(match[1]);
  return room ? { kind: 'room', room } : { kind: 'unknown' };
}

export function roomPath(room: string): string {
  return `/room/${encodeURIComponent(room)}`;
}

/** The address to give to others: it names the room and carries no token. */
export function roomLink(room: string): string {
  return location.origin + roomPath(room);
}

export function navigate(path: string): void {
  history.pushState(null, '', path);
  window.dispatchEvent(new PopStateEvent('popstate'));
}

export function usePlace(): Place {
  return placeOf(useSyncExternalStore(subscribe, () => location.pathname));
}

function subscribe(onChange: () => void): () => void {
  window.addEventListener('popstate', onChange);
  return () => window.removeEventListener('popstate', onChange);
}

function decode(part: string): string | undefined {
  try {
    return decodeURIComponent(part).trim();
  } catch {
    return undefined;
  }
}
