const CONSONANTS = 'bdfgklmnprstvzhj'; // 16: four bits each
const VOWELS = 'aeio'; // 4: two bits each
const GROUPS = 3;

/** Makes a code that can be said over the telephone and not be guessed (36 random bits): `lumo-tavi-reko`. */
export function makeRoomCode(random = crypto.getRandomValues(new Uint8Array(GROUPS * 4))): string {
  const letters = Array.from(random, (byte, i) => (i % 2 === 0 ? CONSONANTS[byte % 16]! : VOWELS[byte % 4]!));
  return letters.join('').match(/.{4}/g)!.join('-');
}

/** Reads what someone typed or pasted: a code, or a whole link to a room. Link or code, the fragment is kept. */
export function readRoomCode(typed: string): { room: string; fragment: string } | undefined {
  const text = typed.trim();
  const link = /\/room\/([^/?#\s]+)[^#\s]*(#\S*)?$/.exec(text);
  if (link) return { room: decodeURIComponentSafe(link[1]!), fragment: link[2] ?? '' };
  if (!text || /[/\\]/.test(text)) return undefined;
  return { room: text.replaceAll(/\s+/g, '-'), fragment: '' };
}

function decodeURIComponentSafe(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
