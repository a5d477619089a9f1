import { useEffect, useState } from 'react';
import { fetchConfig, type ServerConfig } from './config';

const RETRY_MS = 3000;

/** The server's configuration, asked for again every few seconds while the server does not answer. */
export function useConfig(): ServerConfig | 'unreachable' | undefined {
  const [config, setConfig] = useState<ServerConfig | 'unreachable'>();
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    let wanted = true;
    const ask = () =>
      fetchConfig()
        .then((answer) => wanted && setConfig(answer))
        .catch(() => {
          if (!wanted) return;
          setConfig('unreachable');
          timer = setTimeout(ask, RETRY_MS);
        });
    void ask();
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, []);
  return config;
}
