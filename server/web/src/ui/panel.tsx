import type { ReactNode } from 'react';
import { CloseIcon } from './icons';

/** A column beside the stage; the whole screen on a phone. */
export function Panel({ title, onClose, children }: { title: string; onClose: () => void; children: ReactNode }) {
  return (
    <aside className="panel" aria-label={title} onKeyDown={(event) => event.key === 'Escape' && onClose()}>
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
