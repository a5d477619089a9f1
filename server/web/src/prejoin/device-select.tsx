/** A drop-down of devices; shows the system's choice while the browser has not named them. */
export function DeviceSelect(props: {
  label: string;
  devices: MediaDeviceInfo[];
  value: string;
  onChange: (deviceId: string) => void;
}) {
  const { label, devices, value, onChange } = props;
  const known = devices.some((device) => device.deviceId === value);
  return (
    <label className="field">
      <span>{label}</span>
      <select value={known ? value : ''} onChange={(event) => onChange(event.target.value)} disabled={devices.length === 0}>
        {!known && <option value="">{devices.length === 0 ? 'None found' : 'System default'}</option>}
        {devices.map((device, i) => (
          <option key={device.deviceId} value={device.deviceId}>
            {device.label || `${label} ${i + 1}`}
          </option>
        ))}
      </select>
    </label>
  );
}
