import { setLogLevel } from 'livekit-client';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import './ui/base.css';
import { App } from './app';
import { Crash } from './ui/crash';

setLogLevel(import.meta.env.DEV ? 'info' : 'warn');

createRoot(document.getElementById('app')!).render(
  <StrictMode>
    <Crash>
      <App />
    </Crash>
  </StrictMode>,
);
