/**
 * Runs in the page before its own scripts: reads the hue of what a video element shows and the pitch of
 * what an audio element plays, and what the browser tells of its RTP streams.
 */
export function installMeasures() {
  const connections = [];
  const Connection = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Connection {
    constructor(...args) {
      super(...args);
      connections.push(this);
    }
  };

  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 8;
  const context = canvas.getContext('2d', { willReadFrequently: true });

  /** The hue of the picture's upper left part, where the stand-ins draw nothing else; undefined without colour. */
  function hueOf(video) {
    if (!video?.videoWidth || video.readyState < 2) return undefined;
    context.drawImage(video, 0, 0, video.videoWidth / 5, video.videoHeight / 5, 0, 0, 8, 8);
    return hueOfCanvas();
  }

  function hueOfCanvas() {
    const { data } = context.getImageData(0, 0, 8, 8);
    const sum = [0, 0, 0];
    for (let i = 0; i < data.length; i += 4) for (let c = 0; c < 3; c++) sum[c] += data[i + c];
    const [r, g, b] = sum.map((total) => total / 64);
    const max = Math.max(r, g, b);
    const spread = max - Math.min(r, g, b);
    if (spread < 40) return undefined;
    const sector = max === r ? ((g - b) / spread + 6) % 6 : max === g ? (b - r) / spread + 2 : (r - g) / spread + 4;
    return Math.round(sector * 60);
  }

  /** The hues of all parts of the picture, a part being a sixteenth of its width and a ninth of its height. */
  function huesOfParts(video) {
    const parts = [];
    for (let x = 0; x < 16; x++) {
      for (let y = 0; y < 9; y++) {
        const [width, height] = [video.videoWidth / 16, video.videoHeight / 9];
        context.drawImage(video, x * width, y * height, width, height, 0, 0, 8, 8);
        parts.push(hueOfCanvas());
      }
    }
    return parts;
  }

  /** A coarse rendering of the whole picture, to tell whether it changes. */
  function lookOf(video) {
    if (!video?.videoWidth) return '';
    context.drawImage(video, 0, 0, 8, 8);
    return context.getImageData(0, 0, 8, 8).data.join();
  }

  /** The loudest frequency in Hz of every voice that the page plays and that is not silent. */
  async function tones() {
    const tracks = [...document.querySelectorAll('audio')].flatMap((element) => element.srcObject?.getAudioTracks() ?? []);
    const live = tracks.filter((track) => track.readyState === 'live');
    return (await Promise.all(live.map(async (track) => pitchOf(await samplesOf(track))))).filter(Boolean);
  }

  /** Which of these frequencies stand out from what is beside them in anything the page plays. */
  async function tonesOf(wanted) {
    const tracks = [...document.querySelectorAll('audio')].flatMap((element) => element.srcObject?.getAudioTracks() ?? []);
    const played = await Promise.all(tracks.filter((track) => track.readyState === 'live').map(samplesOf));
    const pieces = played.map((samples) => samples.slice(-RATE / 10)).filter(({ length }) => length === RATE / 10);
    return wanted.filter((tone) => pieces.some((piece) => standsOut(piece, tone)));
  }

  function standsOut(piece, tone) {
    return powerAt(piece, tone) > 20 * Math.max(powerAt(piece, tone - 130), powerAt(piece, tone + 130), 1);
  }

  /** The hues of all parts of the picture in a participant's tile. */
  function partsOf(identity) {
    const video = document.querySelector(`.tile[data-identity="${identity}"] video`);
    return video?.videoWidth ? huesOfParts(video) : [];
  }

  const RECORDED_MS = 600;
  const RATE = 48_000;

  /**
   * Records a track and decodes the recording. Unlike an analyser node this needs no audio context that
   * runs, which Firefox does not grant on a machine without a sound card.
   */
  async function samplesOf(track) {
    const recorder = new MediaRecorder(new MediaStream([track]));
    const chunks = [];
    recorder.ondataavailable = ({ data }) => chunks.push(data);
    const stopped = new Promise((resolve) => (recorder.onstop = resolve));
    recorder.start();
    setTimeout(() => recorder.state === 'recording' && recorder.stop(), RECORDED_MS);
    await stopped;
    const recording = await new Blob(chunks).arrayBuffer();
    try {
      const decoded = await new OfflineAudioContext(1, RATE, RATE).decodeAudioData(recording);
      return decoded.getChannelData(0);
    } catch {
      return new Float32Array(); // nothing arrived while recording
    }
  }

  /** The strongest of the frequencies from 100 to 3000 Hz in the newest tenth of a second (Goertzel's algorithm). */
  function pitchOf(samples) {
    const newest = samples.slice(-RATE / 10);
    if (newest.length < RATE / 10) return undefined;
    const loudness = Math.sqrt(newest.reduce((sum, sample) => sum + sample * sample, 0) / newest.length);
    if (loudness < 0.01) return undefined;
    let best = { frequency: 0, power: 0 };
    for (let frequency = 100; frequency <= 3000; frequency += 10) {
      const power = powerAt(newest, frequency);
      if (power > best.power) best = { frequency, power };
    }
    return best.frequency;
  }

  function powerAt(samples, frequency) {
    const coefficient = 2 * Math.cos((2 * Math.PI * frequency) / RATE);
    let [last, beforeLast] = [0, 0];
    for (const sample of samples) [last, beforeLast] = [sample + coefficient * last - beforeLast, last];
    return last * last + beforeLast * beforeLast - coefficient * last * beforeLast;
  }

  function tiles() {
    return [...document.querySelectorAll('.tile')].map((tile) => {
      const video = tile.querySelector('video');
      return {
        name: tile.dataset.name,
        source: tile.dataset.source,
        label: tile.getAttribute('aria-label'),
        hue: hueOf(video),
        width: video?.videoWidth ?? 0,
        look: lookOf(video),
      };
    });
  }

  /**
   * The statistics of every RTP stream, with what only descriptions tell: whose it is, which stream repairs it,
   * and the names of payload types.
   */
  async function rtp() {
    const streams = [];
    for (const connection of connections.filter(({ connectionState }) => connectionState === 'connected')) {
      const described = [connection.localDescription, connection.remoteDescription].map((own) => own?.sdp ?? '').join('');
      for (const stats of (await connection.getStats()).values()) {
        if (stats.type === 'inbound-rtp' || stats.type === 'outbound-rtp') streams.push({ ...stats, ...detailsOf(stats.ssrc, described) });
      }
    }
    return streams;
  }

  function detailsOf(ssrc, described) {
    const sections = described.split(/^(?=m=)/m);
    const own = sections.find((section) => section.includes(`a=ssrc:${ssrc} `)) ?? '';
    const repair = described.match(new RegExp(`^a=ssrc-group:FID ${ssrc} (\\d+)`, 'm'));
    return {
      ...(repair && { rtxSsrc: Number(repair[1]) }),
      track: own.match(/^a=msid:\S+ (\S+)/m)?.[1],
      codecs: Object.fromEntries([...described.matchAll(/^a=rtpmap:(\d+) ([\w-]+)/gm)].map(([, type, name]) => [type, name.toLowerCase()])),
    };
  }

  /** Plays a file's pictures from start to end, faster than they were taken. */
  async function playFile(url) {
    const video = Object.assign(document.createElement('video'), { muted: true, src: url });
    const hues = [];
    let parts = [];
    await new Promise((resolve, reject) => {
      video.onended = resolve;
      video.onerror = () => reject(new Error(`${video.error.code}: ${video.error.message}`));
      video.ontimeupdate = () => {
        hues.push(hueOf(video));
        if (video.currentTime < 0.9 * video.duration) parts = huesOfParts(video);
      };
      video.playbackRate = 3;
      video.play().catch(reject);
    });
    const { duration, currentTime, videoWidth: width } = video;
    return { duration, currentTime, width, hues, parts, frames: video.getVideoPlaybackQuality().totalVideoFrames };
  }

  /**
   * The pitch of a file's sound in each of its tenths of a second, and in how many of them each of some tones stands
   * out from what is beside it.
   */
  async function hearFile(url, tones = []) {
    const file = await (await fetch(url)).arrayBuffer();
    const decoded = await new OfflineAudioContext(1, RATE, RATE).decodeAudioData(file);
    const samples = decoded.getChannelData(0);
    const tenths = Array.from({ length: Math.floor((samples.length / RATE) * 10) }, (_, index) => index);
    const pieces = tenths.map((tenth) => samples.slice((tenth * RATE) / 10, ((tenth + 1) * RATE) / 10));
    const heard = tones.map((tone) => pieces.filter((piece) => standsOut(piece, tone)).length / pieces.length);
    return { duration: decoded.duration, pitches: pieces.map(pitchOf), heard };
  }

  window.measure = { tiles, tones, tonesOf, partsOf, rtp, playFile, hearFile };
}
