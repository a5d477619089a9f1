import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** A packet in the text of the server's dump, of Chromium's log or of Firefox's, whatever stands around it. */
const PACKET = /(?:^|\s)([IO]) \d\d:\d\d:\d\d\.\d+\s+0+((?: [0-9a-f]{2})+)(?= |$)/;

/** What one side of a session has received and sent without encryption, as it has written it down. */
export class RtpLog {
  /** The bytes of each packet in hex, in order. */
  received = { rtp: [], rtcp: [] };
  sent = { rtp: [], rtcp: [] };

  /** Takes the files whose names begin as this path does: Firefox's processes have one each. */
  static async read(path) {
    const log = new RtpLog();
    for (const name of (await readdir(dirname(path))).sort()) {
      if (name.startsWith(basename(path))) log.#take(await readFile(join(dirname(path), name), 'latin1'));
    }
    return log;
  }

  #take(text) {
    // What follows the last line break may not be all of a line.
    for (const line of text.split('\n').slice(0, -1)) {
      const [, way, hex] = PACKET.exec(line) ?? [];
      if (!hex) continue;
      const bytes = hex.replaceAll(' ', '');
      const type = Number.parseInt(bytes.slice(2, 4), 16);
      const isRtcp = type >= 192 && type < 224; // RFC 5761
      (way === 'I' ? this.received : this.sent)[isRtcp ? 'rtcp' : 'rtp'].push(bytes);
    }
  }
}
