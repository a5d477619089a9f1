import { useEffect, useSyncExternalStore } from 'react';
import type { Recordings, Shelf } from './recordings';

const FOLLOWED_EVERY_MS = 2_000;
/** After a refusal, or while the server is gone. */
const RETRIED_EVERY_MS = 8_000;
/** Recordings that others start and delete come by the whole list. */
const FOLLOWED_PER_REFRESH = 6;

export function useShelf(recordings: Recordings): Shelf {
  return useSyncExternalStore(recordings.subscribe, () => recordings.shelf);
}

/** Keeps the list fresh while `wanted`, and while somebody looks at the page; reads it again at once when `news` changes. */
export function useFreshness(recordings: Recordings, wanted: boolean, news?: string): void {
  useEffect(() => {
    if (!wanted) return;
    let turn = 0;
    let timer: ReturnType<typeof setTimeout>;
    let stopped = false;
    const look = async () => {
      if (!document.hidden) await (turn++ % FOLLOWED_PER_REFRESH === 0 ? recordings.refresh() : recordings.follow());
      if (!stopped) timer = setTimeout(() => void look(), recordings.shelf.problem ? RETRIED_EVERY_MS : FOLLOWED_EVERY_MS);
    };
    void look();
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  }, [recordings, wanted, news]);
}
