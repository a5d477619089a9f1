import { useMediaDeviceSelect } from '@livekit/components-react';
import { DeviceSelect } from '../prejoin/device-select';
import { recall, remember, type Remembered } from '../prejoin/choices';
import { Dialog } from '../ui/dialog';
import { toast } from '../ui/toasts';

/** Changes devices in the middle of a conference. */
export function SettingsDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Devices" onClose={onClose}>
      <Device kind="videoinput" label="Camera" remembered="cameraId" />
      <Device kind="audioinput" label="Microphone" remembered="microphoneId" />
      {'setSinkId' in HTMLMediaElement.prototype && <Device kind="audiooutput" label="Loudspeaker" />}
    </Dialog>
  );
}

function Device({ kind, label, remembered }: { kind: MediaDeviceKind; label: string; remembered?: keyof Remembered }) {
  const { devices, activeDeviceId, setActiveMediaDevice } = useMediaDeviceSelect({ kind });
  const choose = async (deviceId: string) => {
    try {
      await setActiveMediaDevice(deviceId);
      if (remembered) remember({ ...recall(), [remembered]: deviceId });
    } catch {
      toast(`That ${label.toLowerCase()} does not start. Another program may be using it.`, 'problem');
    }
  };
  return (
    <DeviceSelect
      label={label}
      devices={devices.filter((device) => device.deviceId !== '')}
      value={activeDeviceId}
      onChange={(deviceId) => void choose(deviceId)}
    />
  );
}
