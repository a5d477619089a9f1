import { setLogLevel } from 'livekit-client';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app';
import { Crash } from './ui/crash';
import './ui/base.css';

setLogLevel(import.meta.env.DEV ? 'info' : 'warn');

createRoot(document.getElementById('app')!).render(
  <StrictMode>
    <Crash>
      <App />
    </Crash>
  </StrictMode>,
);
