import { useSyncExternalStore } from 'react';
import { CloseIcon } from './icons';

interface Toast {
  id: number;
  text: string;
  tone: 'quiet' | 'problem';
}

const SHOWN_FOR_MS = { quiet: 4_000, problem: 10_000 };
const SHOWN_AT_MOST = 4;

let toasts: readonly Toast[] = [];
let nextId = 1;
const listeners = new Set<() => void>();

/** Says something in the corner of the screen for a few seconds; screen readers speak it. */
export function toast(text: string, tone: Toast['tone'] = 'quiet'): void {
  const id = nextId++;
  set([...toasts.filter((other) => other.text !== text), { id, text, tone }].slice(-SHOWN_AT_MOST));
  setTimeout(() => dismiss(id), SHOWN_FOR_MS[tone]);
}

export function Toasts() {
  const shown = useSyncExternalStore(subscribe, () => toasts);
  return (
    <div className="toasts" role="status" aria-live="polite">
      {shown.map(({ id, text, tone }) => (
        <div key={id} className={`toast ${tone}`}>
          <span>{text}</span>
          {tone === 'problem' && (
            <button className="icon-button small" onClick={() => dismiss(id)} aria-label="Dismiss">
              <CloseIcon />
            </button>
          )}
        </div>
      ))}
    </div>
  );
}

function dismiss(id: number): void {
  set(toasts.filter((toast) => toast.id !== id));
}

function set(next: readonly Toast[]): void {
  toasts = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
