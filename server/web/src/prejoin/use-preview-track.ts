import { createLocalAudioTrack, createLocalVideoTrack, VideoPresets, type LocalAudioTrack, type LocalVideoTrack } from 'livekit-client';
import { useCallback, useEffect, useRef, useState } from 'react';
import { mediaProblem } from './media-problem';

interface Preview<T> {
  track: T | undefined;
  problem: string | undefined;
  /** Hands the track over: from here on it belongs to the caller and is not stopped with the preview. */
  take: () => T | undefined;
}

interface Wanted {
  enabled: boolean;
  deviceId: string;
  /** While joining, a taken track stays with its taker; when joining fails it is the preview's again. */
  joining: boolean;
}

export function useCameraPreview({ enabled, deviceId, joining }: Wanted): Preview<LocalVideoTrack> {
  const open = useCallback(
    () => createLocalVideoTrack({ deviceId: deviceId || undefined, resolution: VideoPresets.h720.resolution }),
    [deviceId],
  );
  return usePreviewTrack('video', enabled, joining, open);
}

export function useMicrophonePreview({ enabled, deviceId, joining }: Wanted): Preview<LocalAudioTrack> {
  const open = useCallback(() => createLocalAudioTrack({ deviceId: deviceId || undefined }), [deviceId]);
  return usePreviewTrack('audio', enabled, joining, open);
}

function usePreviewTrack<T extends { stop(): void }>(
  kind: 'audio' | 'video',
  enabled: boolean,
  joining: boolean,
  open: () => Promise<T>,
): Preview<T> {
  const [track, setTrack] = useState<T>();
  const [problem, setProblem] = useState<string>();
  const taken = useRef<T>(undefined);

  useEffect(() => {
    if (!enabled) return;
    let wanted = true;
    let opened: T | undefined;
    open()
      .then((fresh) => {
        opened = fresh;
        if (!wanted) return fresh.stop();
        setProblem(undefined);
        setTrack(fresh);
      })
      .catch((error: unknown) => wanted && setProblem(mediaProblem(kind, error)));
    return () => {
      wanted = false;
      setTrack(undefined);
      if (opened && opened !== taken.current) opened.stop();
    };
  }, [kind, enabled, open]);

  useEffect(() => {
    if (!joining) taken.current = undefined;
  }, [joining]);

  const take = useCallback(() => (taken.current = track), [track]);
  return { track: enabled ? track : undefined, problem: enabled ? problem : undefined, take };
}
