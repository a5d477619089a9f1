import type { ReactNode } from 'react';
import { CloseIcon } from './icons';

/** A column beside the stage; the whole screen on a phone. */
export function Panel({ title, onClose, children }: { title: string; onClose: () => void; children: ReactNode }) {
  return (
    <aside className="panel" aria-label={title} onKeyDown={(event) => event.key === 'Escape' && !inDialog(event.target) && onClose()}>
      <header>
        <h2>{title}</h2>
        <button className="icon-button" onClick={onClose} aria-label={`Close ${title.toLowerCase()}`} title="Close (Esc)">
          <CloseIcon />
        </button>
      </header>
      {children}
    </aside>
  );
}

/** A dialog that belongs to the panel closes by itself on Escape. */
function inDialog(target: EventTarget): boolean {
  return target instanceof Element && target.closest('dialog') !== null;
}
