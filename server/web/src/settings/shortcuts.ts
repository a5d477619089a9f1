import { useEffect, useRef } from 'react';

/** What single keys do in a conference; the letters are shown on the buttons and in the help. */
export const SHORTCUTS = [
  { key: 'm', does: 'microphone', text: 'Microphone on or off' },
  { key: 'v', does: 'camera', text: 'Camera on or off' },
  { key: 's', does: 'screen', text: 'Share or stop sharing the screen' },
  { key: 'c', does: 'chat', text: 'Open or close the chat' },
  { key: 'p', does: 'people', text: 'Open or close the list of people' },
  { key: 'r', does: 'recordings', text: 'Open or close recordings' },
  { key: 'g', does: 'view', text: 'Change between grid and speaker view' },
  { key: '?', does: 'help', text: 'Show this list' },
] as const;

export type Action = (typeof SHORTCUTS)[number]['does'];

/** What can be done here; what this person may not do is not among it. */
export type Actions = Record<Exclude<Action, 'recordings'>, () => void> & { recordings?: () => void };

/** Runs actions by their keys, except while someone types, plays something or a dialog is open. */
export function useShortcuts(actions: Actions): void {
  const latest = useRef(actions);
  useEffect(() => {
    latest.current = actions;
  });
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || isBusy(event.target)) return;
      const shortcut = SHORTCUTS.find(({ key }) => key === event.key.toLowerCase());
      const act = shortcut && latest.current[shortcut.does];
      if (!act) return;
      event.preventDefault();
      act();
    };
    window.addEventListener('keydown', onKeyDown);
    return () => window.removeEventListener('keydown', onKeyDown);
  }, []);
}

function isBusy(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('input, textarea, select, video, audio, dialog, [contenteditable]') !== null;
}
