import { until } from '../shared/until.mjs';
import { launch } from './launch.mjs';
import { installMeasures } from './measure.mjs';
import { installStandIns } from './stand-ins.mjs';

const LINES_KEPT = 60;

/** Someone with a browser: does what people do, and tells what they see and hear. */
export class Person {
  #browser;
  #lines = [];

  constructor({ name, browser, hue, tone, rtpLog }) {
    Object.assign(this, { name, kind: browser, hue, tone, rtpLog });
  }

  async start() {
    this.#browser = await launch[this.kind]({ tone: this.tone, rtpLog: this.rtpLog });
    this.page = (await this.#browser.pages())[0] ?? (await this.#browser.newPage());
    this.page.on('console', (message) => this.#keep(`${message.type()}: ${message.text()}`));
    this.page.on('pageerror', (error) => this.#keep(`error: ${error.message}`));
    await this.page.evaluateOnNewDocument(installStandIns, {
      hue: this.hue,
      tone: this.tone,
      ownTone: this.kind !== 'firefox',
    });
    await this.page.evaluateOnNewDocument(installMeasures);
  }

  async close() {
    await this.#browser?.close();
  }

  /** Opens the room's page and goes through the preview into the room. */
  async join(server, room, { token } = {}) {
    await this.open(`${server.url}/room/${room}${token ? `#token=${token}` : ''}`);
    await this.enter();
  }

  async open(url) {
    await this.page.goto('about:blank');
    await this.page.goto(url, { waitUntil: 'domcontentloaded' });
  }

  async enter() {
    await until(`${this.name} sees the preview`, () => this.has('.prejoin-form'));
    await until(`${this.name}'s camera is ready`, () => this.has('.prejoin-preview video'));
    if (await this.has('.prejoin-form input')) await this.write('.prejoin-form input', this.name);
    await this.page.click('.prejoin-form button[type=submit]');
    await until(`${this.name} is in the room`, () => this.has('.conference'));
  }

  async press(label) {
    const selector = `button[aria-label="${label}"]`;
    await until(`${this.name} finds the button ${label}`, () => this.has(selector));
    await this.page.click(selector);
  }

  /** Presses the button that says this and nothing else. */
  async pressText(text, within = 'body') {
    await until(`${this.name} finds the button that says ${text}`, () =>
      this.page.evaluate((own, css) => {
        const buttons = [...document.querySelectorAll(`${css} button`)];
        const button = buttons.find((other) => other.innerText.trim() === own);
        button?.click();
        return button !== undefined;
      }, text, within),
    );
  }

  async write(selector, text) {
    await this.page.focus(selector);
    await this.page.evaluate((css) => document.querySelector(css).select(), selector);
    await this.page.keyboard.type(text);
  }

  async say(text) {
    await this.openPanel('Chat');
    await this.write('.chat-composer textarea', text);
    await this.page.keyboard.press('Enter');
  }

  async openPanel(name) {
    const pressed = await this.page.$eval(`button[aria-label="${name}"]`, (button) => button.getAttribute('aria-pressed'));
    if (pressed !== 'true') await this.press(name);
  }

  has(selector) {
    return this.page.evaluate((css) => document.querySelector(css) !== null, selector);
  }

  text(selector = 'body') {
    return this.page.evaluate((css) => document.querySelector(css)?.innerText ?? '', selector);
  }

  tiles() {
    return this.page.evaluate(() => window.measure.tiles());
  }

  tones() {
    return this.page.evaluate(() => window.measure.tones());
  }

  tonesOf(wanted) {
    return this.page.evaluate((own) => window.measure.tonesOf(own), wanted);
  }

  partsOf(identity) {
    return this.page.evaluate((own) => window.measure.partsOf(own), identity);
  }

  /** Statistics of the RTP streams. */
  rtp() {
    return this.page.evaluate(() => window.measure.rtp());
  }

  playFile(url) {
    return this.page.evaluate((own) => window.measure.playFile(own), url);
  }

  hearFile(url, tones) {
    return this.page.evaluate((own, wanted) => window.measure.hearFile(own, wanted), url, tones);
  }

  /** Says nothing, or goes on; nobody is told, as with a mute. */
  setSilent(isSilent) {
    return this.page.evaluate((silent) => (window.standIns.microphone.enabled = !silent), isSilent);
  }

  async tileOf(other, source = 'camera') {
    return (await this.tiles()).find((tile) => tile.name === other.name && tile.source === source);
  }

  /** What this person does not yet see or hear as they should, given who is in the room. */
  async missing(others) {
    const [tiles, tones] = [await this.tiles(), await this.tones()];
    const wrong = [];
    for (const other of others) {
      const tile = tiles.find(({ name, source }) => name === other.name && source === 'camera');
      if (!isHue(tile?.hue, other.hue)) wrong.push(`${this.name} sees ${tile?.hue} and not ${other.name}'s hue ${other.hue}`);
      if (!tones.some((pitch) => isPitch(pitch, other.tone))) wrong.push(`${this.name} hears [${tones}] and not ${other.name}'s ${other.tone} Hz`);
    }
    const expected = [this.name, ...others.map(({ name }) => name)].sort().join();
    const shown = tiles.map(({ name }) => name).sort().join();
    if (shown !== expected) wrong.push(`${this.name} has tiles of ${shown} and not of ${expected}`);
    return wrong;
  }

  report() {
    return `--- ${this.name} (${this.kind})\n${this.#lines.join('\n')}`;
  }

  #keep(line) {
    this.#lines.push(line.slice(0, 240));
    this.#lines.splice(0, this.#lines.length - LINES_KEPT);
  }
}

/** Hues form a circle; codecs shift them a little. */
export function isHue(hue, expected) {
  if (hue === undefined) return false;
  const apart = Math.abs(hue - expected) % 360;
  return Math.min(apart, 360 - apart) < 20;
}

export function isPitch(pitch, expected) {
  return Math.abs(pitch - expected) < 20;
}
