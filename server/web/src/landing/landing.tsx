import { useEffect, useState, type FormEvent } from 'react';
import { navigate, roomPath } from '../navigation';
import { useConfig } from '../server/use-config';
import { Brand } from '../ui/brand';
import { ArrowIcon, PlusIcon } from '../ui/icons';
import { makeRoomCode, readRoomCode } from './room-code';
import './landing.css';

/** The start page: make a room, or enter the code or link of one. */
export function Landing() {
  const config = useConfig();
  useEffect(() => {
    document.title = 'Plenary';
  }, []);

  return (
    <div className="landing">
      <header>
        <Brand />
      </header>
      <main>
        <h1>
          A room for <em>every&nbsp;voice</em>
        </h1>
        <p className="lead">Meet by video in your browser. Nothing to install: make a room, share its link, talk.</p>
        <div className="landing-ways">
          {config === 'unreachable' && (
            <p className="notice danger" role="alert">
              The server does not answer. This page keeps trying.
            </p>
          )}
          {config !== 'unreachable' && config?.guest_tokens === false ? (
            <p className="notice">Rooms on this server are by invitation. Open the link that you were given, or paste it here.</p>
          ) : (
            <button className="button primary large" onClick={() => navigate(roomPath(makeRoomCode()))}>
              <PlusIcon /> New room
            </button>
          )}
          <JoinForm />
        </div>
      </main>
      <footer>{config && config !== 'unreachable' ? `Plenary ${config.version}` : 'Plenary'}</footer>
    </div>
  );
}

function JoinForm() {
  const [typed, setTyped] = useState('');
  const [wrong, setWrong] = useState(false);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const code = readRoomCode(typed);
    setWrong(!code);
    if (code) navigate(roomPath(code.room) + code.fragment);
  };

  return (
    <form className="landing-join" onSubmit={submit}>
      <label className="visually-hidden" htmlFor="room-code">
        Room code or link
      </label>
      <input
        id="room-code"
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
        placeholder="Room code or link"
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        aria-invalid={wrong}
        aria-describedby={wrong ? 'room-code-wrong' : undefined}
      />
      <button className="button large" type="submit">
        Join <ArrowIcon />
      </button>
      {wrong && (
        <p id="room-code-wrong" className="field-problem" role="alert">
          Enter a room code such as lumo-tavi-reko, or paste the link of a room.
        </p>
      )}
    </form>
  );
}
