const WORD = { audio: 'microphone', video: 'camera' } as const;

/** Why the browser gave no camera or microphone, and what the person can do about it. */
export function mediaProblem(kind: 'audio' | 'video', error: unknown): string {
  const device = WORD[kind];
  if (!globalThis.navigator?.mediaDevices) {
    return `This page cannot use the ${device}, because its address is not secure. Open it with https.`;
  }
  switch (error instanceof Error ? error.name : '') {
    case 'NotAllowedError':
    case 'SecurityError':
      return `The browser refused the ${device}. Allow it in the site settings beside the address bar, or join without it.`;
    case 'NotFoundError':
    case 'OverconstrainedError':
      return `No ${device} was found. Plug one in, or join without it.`;
    case 'NotReadableError':
    case 'AbortError':
      return `The ${device} does not start. Another program may be using it.`;
    default:
      return `The ${device} does not work: ${error instanceof Error ? error.message : 'unknown reason'}.`;
  }
}
