/**
 * Runs in the page before its own scripts: camera, microphone and screen give pictures and tones that
 * can be told apart. The camera shows a plain hue with a figure that moves; the screen shows another
 * plain hue; the microphone gives one pure tone. Firefox's own fake microphone gives the tone there
 * (`launch.mjs`), because without a sound card Firefox runs no audio context.
 */
export function installStandIns({ hue, tone, ownTone }) {
  if (!navigator.mediaDevices) return; // about:blank, before the first page

  function picture(width, height, framesPerSecond, draw) {
    const canvas = Object.assign(document.createElement('canvas'), { width, height });
    const context = canvas.getContext('2d');
    let frame = 0;
    const paint = () => draw(context, width, height, frame++);
    paint();
    const track = canvas.captureStream(framesPerSecond).getVideoTracks()[0];
    track.applyConstraints = async () => {}; // a camera takes constraints, Firefox's canvas track does not
    const timer = setInterval(() => (track.readyState === 'ended' ? clearInterval(timer) : paint()), 1000 / framesPerSecond);
    return track;
  }

  function drawFigure(context, width, height, frame) {
    const sway = Math.sin(frame / 9) * 18;
    context.fillStyle = `hsl(${hue} 70% 50%)`;
    context.fillRect(0, 0, width, height);
    context.fillStyle = `hsl(${hue} 60% 24%)`;
    context.beginPath();
    context.arc(width / 2 + sway, height * 0.42, height * 0.17, 0, 7);
    context.ellipse(width / 2 + sway * 0.6, height * 1.02, height * 0.42, height * 0.4, 0, 0, 7);
    context.fill();
  }

  function drawScreen(context, width, height, frame) {
    context.fillStyle = `hsl(${(hue + 180) % 360} 70% 50%)`;
    context.fillRect(0, 0, width, height);
    context.fillStyle = 'white';
    for (let line = 0; line < 9; line++) context.fillRect(width * 0.35, height * (0.2 + line * 0.07), width * (0.3 + 0.04 * ((line * 7) % 5)), 10);
    context.fillRect(width * 0.35, height * 0.85, ((frame * 6) % (width * 0.5)) + 1, 8);
  }

  function toneTrack() {
    const context = new AudioContext();
    const oscillator = new OscillatorNode(context, { frequency: tone });
    const volume = new GainNode(context, { gain: 0.4 });
    const destination = context.createMediaStreamDestination();
    oscillator.connect(volume).connect(destination);
    oscillator.start();
    void context.resume();
    return destination.stream.getAudioTracks()[0];
  }

  const fakeDevices = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (constraints) => {
    const refused = window.standIns.refused;
    if (constraints?.video && refused.includes('camera')) throw new DOMException('refused', 'NotAllowedError');
    if (constraints?.audio && refused.includes('microphone')) throw new DOMException('refused', 'NotAllowedError');
    const stream = new MediaStream();
    if (constraints?.video) stream.addTrack(picture(640, 360, 15, drawFigure));
    if (constraints?.audio) {
      window.standIns.microphone = ownTone ? toneTrack() : (await fakeDevices({ audio: true })).getAudioTracks()[0];
      stream.addTrack(window.standIns.microphone);
    }
    return stream;
  };
  navigator.mediaDevices.getDisplayMedia = async () => new MediaStream([picture(960, 540, 5, drawScreen)]);

  window.standIns = { refused: [], microphone: undefined };
}
