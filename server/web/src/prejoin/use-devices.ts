import { useEffect, useState } from 'react';

/** The devices of a kind, kept up to date. Browsers name them only once one of them is in use: pass that as `inUse`. */
export function useDevices(kind: MediaDeviceKind, inUse: unknown): MediaDeviceInfo[] {
  const [devices, setDevices] = useState<MediaDeviceInfo[]>([]);
  useEffect(() => {
    const media = navigator.mediaDevices;
    if (!media) return;
    let wanted = true;
    const list = () =>
      media.enumerateDevices().then(
        (all) => wanted && setDevices(all.filter((device) => device.kind === kind && device.deviceId !== '')),
        () => undefined,
      );
    void list();
    media.addEventListener('devicechange', list);
    return () => {
      wanted = false;
      media.removeEventListener('devicechange', list);
    };
  }, [kind, inUse]);
  return devices;
}
