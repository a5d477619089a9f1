import type { ReactNode } from 'react';
import { Brand } from './brand';

/** A whole page that says one thing and offers what to do next. */
export function Message({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div className="message-page">
      <header>
        <Brand />
      </header>
      <main className="message card">
        <h1>{title}</h1>
        {children}
      </main>
    </div>
  );
}
