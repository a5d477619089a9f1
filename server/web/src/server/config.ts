import { fetchJson } from './problem';

/** What the server tells the page about itself. */
export interface ServerConfig {
  version: string;
  /** Whether anyone may ask for a token to any room. If not, tokens come from the application's own back end. */
  guest_tokens: boolean;
}

export function fetchConfig(): Promise<ServerConfig> {
  return fetchJson<ServerConfig>('/web/config.json');
}
