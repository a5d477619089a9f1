import type { Room, TextStreamReader } from 'livekit-client';

export interface ChatMessage {
  id: string;
  identity: string;
  name: string;
  text: string;
  at: number;
  mine: boolean;
}

/** LiveKit's topic for chat, so that other applications' participants can take part. */
const TOPIC = 'lk.chat';
const KEPT_AT_MOST = 500;
export const LONGEST_TEXT = 4000;

/** The messages of a room since we joined; they stay when the connection is lost and comes back. */
export class ChatLog {
  #messages: readonly ChatMessage[] = [];
  readonly #room: Room;
  readonly #listeners = new Set<() => void>();

  constructor(room: Room) {
    this.#room = room;
    room.registerTextStreamHandler(TOPIC, (reader, { identity }) => void this.#receive(reader, identity));
  }

  get messages(): readonly ChatMessage[] {
    return this.#messages;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  async send(text: string): Promise<void> {
    const sent = await this.#room.localParticipant.sendText(text, { topic: TOPIC });
    const { identity, name } = this.#room.localParticipant;
    this.#add({ id: sent.id, identity, name: name || identity, text, at: sent.timestamp, mine: true });
  }

  async #receive(reader: TextStreamReader, identity: string): Promise<void> {
    // The sender may have left before a long text is complete, so ask for the name at once.
    const name = this.#room.getParticipantByIdentity(identity)?.name || identity;
    try {
      const text = (await reader.readAll()).slice(0, LONGEST_TEXT);
      this.#add({ id: reader.info.id, identity, name, text, at: reader.info.timestamp, mine: false });
    } catch {
      // The stream broke off: there is no message to show.
    }
  }

  #add(message: ChatMessage): void {
    this.#messages = [...this.#messages, message].slice(-KEPT_AT_MOST);
    for (const listener of this.#listeners) listener();
  }
}
