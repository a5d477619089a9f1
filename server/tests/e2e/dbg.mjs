import { Server } from './shared/server.mjs';
import { Person } from './browser/person.mjs';
import { until } from './shared/until.mjs';
const ann = new Person({ name: 'Ann', browser: 'chromium', hue: 200, tone: 500 });
const ben = new Person({ name: 'Ben', browser: 'chromium', hue: 110, tone: 900 });
const server = await Server.start();
await Promise.all([ann.start(), ben.start()]);
for (const p of [ann, ben]) await p.page.evaluateOnNewDocument(() => {
  window.__log = []; const t0 = performance.now();
  const P = RTCPeerConnection.prototype;
  for (const m of ['setLocalDescription', 'setRemoteDescription']) {
    const o = P[m]; P[m] = function (d) { window.__pc = this; const l = (d?.sdp??'').split('\r\n').filter(l => /^m=|a=mid|a=(recv|send|inact)|a=rid|a=simul|msid:|a=ssrc:.*cname/.test(l)).map(l=>l.slice(0,60)).join(' | '); window.__log.push(`${performance.now()-t0|0} ${m} ${d?.type} ${l}`); return o.apply(this, arguments).catch(e => { window.__log.push('FAILED ' + m + ' ' + e.message); throw e; }); };
  }
  const ws = WebSocket; 
});
await ann.join(server, 'r'); await ben.join(server, 'r');
const ok = async () => { try { await until('see', async () => (await ann.missing([ben])).length === 0 && (await ben.missing([ann])).length === 0, {withinMs: 15000}); return true } catch { return false } };
console.log('first', await ok());
for (let i = 0; i < 40; i++) {
  await ben.press('Leave');
  await until('left', async () => (await ben.text()).includes('You left the room'));
  if (i % 2) await until('alone', async () => (await ann.missing([])).length === 0);
  await ben.join(server, 'r');
  const good = await ok();
  console.log(i, good);
  if (!good) {
    console.log((await (await fetch(server.adminUrl + '/metrics')).text()).split('\n').filter(l => /drop|panic|packets|limits/.test(l) && !l.startsWith('#')).join('\n')); console.log('ann missing', await ann.missing([ben]), 'ben missing', await ben.missing([ann]));
    const out = await ann.page.evaluate(async () => ({ log: window.__log.slice(-2), st: [...(await window.__pc.getStats()).values()].filter(s => /(in|out)bound-rtp|transport/.test(s.type)) })); console.log(out.log.map(l=>l.split(' | ').filter(x=>/ssrc|setR/.test(x)).join(' ')).join('\n')); console.log((await import('node:child_process')).execSync('python3 /tmp/sniff.py').toString()); await new Promise(r=>setTimeout(r,3000)); const o2= await ann.page.evaluate(async () => [...(await window.__pc.getStats()).values()].filter(s => /transport/.test(s.type)).map(s=>s.packetsReceived)); console.log(o2);
    break;
  }
}
await ann.close(); await ben.close(); await server.stop(); process.exit(0);
