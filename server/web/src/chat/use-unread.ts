import { useState, useSyncExternalStore } from 'react';
import type { ChatLog } from './chat-log';

/** How many messages of others arrived while the chat was closed. */
export function useUnread(chat: ChatLog, open: boolean): number {
  const messages = useSyncExternalStore(chat.subscribe, () => chat.messages);
  const last = messages.at(-1)?.id;
  const [read, setRead] = useState<string>();
  if (open && read !== last) setRead(last);
  const unread = messages.slice(messages.findIndex(({ id }) => id === read) + 1);
  return open ? 0 : unread.filter(({ mine }) => !mine).length;
}
