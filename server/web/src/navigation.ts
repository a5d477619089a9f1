import { useEffect, useSyncExternalStore } from 'react';

/** What an address of this site stands for. */
export type Place = { kind: 'landing' } | { kind: 'room' | 'recordings'; room: string } | { kind: 'unknown' };

export function placeOf(pathname: string): Place {
  if (pathname === '/' || pathname === '') return { kind: 'landing' };
  const match = /^\/(room|recordings)\/([^/]+)\/?$/.exec(pathname);
  const room = match?.[2] && decode(match[2]);
  return room ? { kind: match[1] === 'room' ? 'room' : 'recordings', room } : { kind: 'unknown' };
}

export function roomPath(room: string): string {
  return `/room/${encodeURIComponent(room)}`;
}

export function recordingsPath(room: string): string {
  return `/recordings/${encodeURIComponent(room)}`;
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

/** A link with a new token opened in this tab changes only the fragment, which loads nothing by itself. */
export function useReloadOnNewToken(): void {
  useEffect(() => {
    const onHashChange = () => location.hash.includes('token=') && location.reload();
    window.addEventListener('hashchange', onHashChange);
    return () => window.removeEventListener('hashchange', onHashChange);
  }, []);
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
