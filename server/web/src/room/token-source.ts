import { requestGuestToken } from '../server/token';

/** Where the token for joining comes from. */
export interface TokenSource {
  token(name: string): Promise<string>;
  /** Forgets a token that the server refused; true if another one can be had. */
  renew(): boolean;
}

/** The token that came with the link. */
export function givenToken(token: string): TokenSource {
  return { token: async () => token, renew: () => false };
}

/**
 * Tokens that the server gives to anyone. One is kept as long as it works, so that coming back after a
 * lost connection takes the old place in the room and not a second one.
 */
export function guestTokens(room: string): TokenSource {
  let kept: string | undefined;
  return {
    token: async (name) => (kept ??= await requestGuestToken(room, name)),
    renew() {
      kept = undefined;
      return true;
    },
  };
}
