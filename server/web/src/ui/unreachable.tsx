import { Message } from './message';

/** Stands in for a page that waits for the server. */
export function Unreachable() {
  return (
    <Message title="The server does not answer">
      <p role="alert">Check your connection. This page keeps trying, and goes on by itself when the server is back.</p>
    </Message>
  );
}
