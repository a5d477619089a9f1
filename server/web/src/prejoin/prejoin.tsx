import type { LocalTrack } from 'livekit-client';
import { useEffect, useState, type FormEvent } from 'react';
import { Brand } from '../ui/brand';
import { CameraIcon, CameraOffIcon, MicrophoneIcon, MicrophoneOffIcon } from '../ui/icons';
import { recall, remember, type Choices } from './choices';
import { DeviceSelect } from './device-select';
import { LevelMeter } from './level-meter';
import './prejoin.css';
import { useDevices } from './use-devices';
import { useCameraPreview, useMicrophonePreview } from './use-preview-track';

interface Props {
  roomName: string;
  /** The name that the token fixes; without it the person chooses one. */
  fixedName: string | undefined;
  problem: string | undefined;
  joining: boolean;
  onJoin: (choices: Choices) => void;
}

/** Before the room: see yourself, choose devices and a name. Works without camera and microphone. */
export function Prejoin({ roomName, fixedName, problem, joining, onJoin }: Props) {
  const [wanted, setWanted] = useState(recall);
  const camera = useCameraPreview({ enabled: wanted.cameraOn, deviceId: wanted.cameraId, joining });
  const microphone = useMicrophonePreview({ enabled: wanted.microphoneOn, deviceId: wanted.microphoneId, joining });
  const cameras = useDevices('videoinput', camera.track);
  const microphones = useDevices('audioinput', microphone.track);
  const change = (part: Partial<typeof wanted>) => setWanted((before) => ({ ...before, ...part }));
  const name = fixedName ?? wanted.name;

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (joining || !name.trim()) return;
    remember(wanted);
    onJoin({
      name: name.trim(),
      camera: camera.take(),
      microphone: microphone.take(),
      cameraId: wanted.cameraId,
      microphoneId: wanted.microphoneId,
    });
  };

  return (
    <div className="prejoin">
      <header>
        <Brand />
      </header>
      <main inert={joining}>
        <section className="prejoin-preview" aria-label="Your camera and microphone">
          <Picture track={camera.track} enabled={wanted.cameraOn} name={name} failed={Boolean(camera.problem)} />
          <div className="prejoin-toggles">
            <button
              className="round-button"
              aria-pressed={wanted.microphoneOn}
              aria-label="Microphone"
              title={wanted.microphoneOn ? 'Turn the microphone off' : 'Turn the microphone on'}
              onClick={() => change({ microphoneOn: !wanted.microphoneOn })}
            >
              {wanted.microphoneOn ? <MicrophoneIcon /> : <MicrophoneOffIcon />}
            </button>
            <button
              className="round-button"
              aria-pressed={wanted.cameraOn}
              aria-label="Camera"
              title={wanted.cameraOn ? 'Turn the camera off' : 'Turn the camera on'}
              onClick={() => change({ cameraOn: !wanted.cameraOn })}
            >
              {wanted.cameraOn ? <CameraIcon /> : <CameraOffIcon />}
            </button>
          </div>
        </section>

        <form className="prejoin-form" onSubmit={submit}>
          <div>
            <p className="prejoin-over">You are about to join</p>
            <h1>{roomName}</h1>
          </div>

          {fixedName ? (
            <p className="prejoin-as">
              as <strong>{fixedName}</strong>
            </p>
          ) : (
            <label className="field">
              <span>Your name</span>
              <input
                value={wanted.name}
                onChange={(event) => change({ name: event.target.value })}
                autoComplete="name"
                maxLength={64}
                required
                autoFocus
              />
            </label>
          )}

          <div className="prejoin-devices">
            <DeviceSelect label="Camera" devices={cameras} value={wanted.cameraId || deviceOf(camera.track)} onChange={(cameraId) => change({ cameraId })} />
            <div>
              <DeviceSelect
                label="Microphone"
                devices={microphones}
                value={wanted.microphoneId || deviceOf(microphone.track)}
                onChange={(microphoneId) => change({ microphoneId })}
              />
              <LevelMeter track={microphone.track} />
            </div>
          </div>

          {camera.problem && <p className="notice" role="status">{camera.problem}</p>}
          {microphone.problem && <p className="notice" role="status">{microphone.problem}</p>}
          {problem && <p className="notice danger" role="alert">{problem}</p>}

          <button className="button primary large" type="submit" disabled={joining || !name.trim()}>
            {joining ? 'Joining…' : 'Join the room'}
          </button>
        </form>
      </main>
    </div>
  );
}

/** The device that the browser chose, where nobody chose one. */
function deviceOf(track: LocalTrack | undefined): string {
  return track?.mediaStreamTrack.getSettings().deviceId ?? '';
}

function Picture(props: { track: ReturnType<typeof useCameraPreview>['track']; enabled: boolean; name: string; failed: boolean }) {
  const { track, enabled, name, failed } = props;
  const [video, setVideo] = useState<HTMLVideoElement | null>(null);
  useEffect(() => {
    if (!track || !video) return;
    track.attach(video);
    return () => {
      track.detach(video);
    };
  }, [track, video]);

  if (track) return <video ref={setVideo} className="mirrored" autoPlay playsInline muted />;
  return (
    <div className="prejoin-no-picture">
      {enabled && !failed ? 'Starting the camera…' : enabled ? 'No camera' : `${name.trim() ? `${name.trim()}, your` : 'Your'} camera is off`}
    </div>
  );
}
