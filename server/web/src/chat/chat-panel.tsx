import { useEffect, useRef, useState, useSyncExternalStore, type FormEvent, type KeyboardEvent } from 'react';
import { SendIcon } from '../ui/icons';
import { Panel } from '../ui/panel';
import { toast } from '../ui/toasts';
import './chat.css';
import { LONGEST_TEXT, type ChatLog, type ChatMessage } from './chat-log';

/** The written side of the conference. */
export function ChatPanel({ chat, onClose }: { chat: ChatLog; onClose: () => void }) {
  const messages = useSyncExternalStore(chat.subscribe, () => chat.messages);
  const end = useRef<HTMLLIElement>(null);
  useEffect(() => {
    // Newer browsers give a promise, which must not become the effect's answer.
    void end.current?.scrollIntoView({ block: 'end' });
  }, [messages]);

  return (
    <Panel title="Chat" onClose={onClose}>
      {messages.length === 0 && <p className="panel-empty">No messages yet. Everyone in the room reads what you write here.</p>}
      <ol className="chat-messages" role="log" aria-label="Messages">
        {messages.map((message, i) => (
          <Message key={message.id} message={message} follows={messages[i - 1]} />
        ))}
        <li ref={end} aria-hidden="true" />
      </ol>
      <Composer chat={chat} />
    </Panel>
  );
}

function Message({ message, follows }: { message: ChatMessage; follows: ChatMessage | undefined }) {
  const continues = follows?.identity === message.identity && message.at - follows.at < 120_000;
  const time = new Date(message.at);
  return (
    <li className={`chat-message${message.mine ? ' mine' : ''}`}>
      {!continues && (
        <header>
          <strong>{message.mine ? 'You' : message.name}</strong>
          <time dateTime={time.toISOString()}>{time.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })}</time>
        </header>
      )}
      <p>{linked(message.text)}</p>
    </li>
  );
}

function Composer({ chat }: { chat: ChatLog }) {
  const [text, setText] = useState('');
  const [sending, setSending] = useState(false);
  const input = useRef<HTMLTextAreaElement>(null);
  useEffect(() => input.current?.focus(), []);

  const send = async (event: FormEvent) => {
    event.preventDefault();
    const message = text.trim();
    if (!message || sending) return;
    setSending(true);
    try {
      await chat.send(message);
      setText('');
    } catch {
      toast('The message was not sent. Try again.', 'problem');
    } finally {
      setSending(false);
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && !event.shiftKey && !event.nativeEvent.isComposing) void send(event);
  };

  return (
    <form className="chat-composer" onSubmit={(event) => void send(event)}>
      <textarea
        ref={input}
        rows={1}
        value={text}
        maxLength={LONGEST_TEXT}
        placeholder="Write to everyone"
        aria-label="Message"
        onChange={(event) => setText(event.target.value)}
        onKeyDown={onKeyDown}
      />
      <button className="icon-button" type="submit" aria-label="Send" title="Send (Enter)" disabled={!text.trim() || sending}>
        <SendIcon />
      </button>
    </form>
  );
}

const ADDRESS = /(https?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]])/;

/** Makes web addresses clickable; everything else stays text. */
function linked(text: string) {
  return text.split(ADDRESS).map((part, i) =>
    i % 2 === 1 ? (
      <a key={i} href={part} target="_blank" rel="noreferrer noopener">
        {part}
      </a>
    ) : (
      part
    ),
  );
}
