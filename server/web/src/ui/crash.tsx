import { Component, type ReactNode } from 'react';
import { Message } from './message';

/** Shows a message in place of a page that failed by a mistake of ours. */
export class Crash extends Component<{ children: ReactNode }, { message?: string }> {
  override state: { message?: string } = {};

  static getDerivedStateFromError(error: unknown) {
    return { message: error instanceof Error ? error.message : String(error) };
  }

  override render() {
    if (this.state.message === undefined) return this.props.children;
    return (
      <Message title="Something broke on this page">
        <p>You are out of the room. Loading the page again usually helps.</p>
        <p role="alert">
          <code>{this.state.message}</code>
        </p>
        <button className="button primary" onClick={() => location.reload()}>
          Load again
        </button>
      </Message>
    );
  }
}
