import type { ReactNode } from 'react';

function icon(shape: ReactNode) {
  return function Icon() {
    return (
      <svg
        className="icon"
        viewBox="0 0 24 24"
        fill="none"
        stroke="currentColor"
        strokeWidth="1.8"
        strokeLinecap="round"
        strokeLinejoin="round"
        aria-hidden="true"
      >
        {shape}
      </svg>
    );
  };
}

const microphone = (
  <>
    <rect x="9" y="3" width="6" height="11" rx="3" />
    <path d="M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3" />
  </>
);
const camera = (
  <>
    <rect x="2.5" y="6" width="13" height="12" rx="3" />
    <path d="m15.5 11 6-3.5v9l-6-3.5z" />
  </>
);
const slash = <path d="m3.5 3.5 17 17" />;

export const MicrophoneIcon = icon(microphone);
export const MicrophoneOffIcon = icon([<g key="shape">{microphone}</g>, <g key="slash">{slash}</g>]);
export const CameraIcon = icon(camera);
export const CameraOffIcon = icon([<g key="shape">{camera}</g>, <g key="slash">{slash}</g>]);
export const ScreenIcon = icon(
  <>
    <rect x="2.5" y="4" width="19" height="13" rx="2.5" />
    <path d="M12 13.5v-6m-2.8 2.6L12 7.3l2.8 2.8M8 21h8" />
  </>,
);
export const ChatIcon = icon(<path d="M4 5.5h16a1.5 1.5 0 0 1 1.5 1.5v9a1.5 1.5 0 0 1-1.5 1.5H11L6.5 21v-3.5H4A1.5 1.5 0 0 1 2.5 16V7A1.5 1.5 0 0 1 4 5.5ZM7.5 10h9M7.5 13.5h5.5" />);
export const PeopleIcon = icon(
  <>
    <circle cx="9" cy="8" r="3.5" />
    <path d="M2.5 20a6.5 6.5 0 0 1 13 0M16 4.8a3.5 3.5 0 0 1 0 6.4M18.5 14.2a6.5 6.5 0 0 1 3 5.8" />
  </>,
);
export const GridIcon = icon(
  <>
    <rect x="3" y="4" width="8" height="7" rx="1.8" />
    <rect x="13" y="4" width="8" height="7" rx="1.8" />
    <rect x="3" y="13" width="8" height="7" rx="1.8" />
    <rect x="13" y="13" width="8" height="7" rx="1.8" />
  </>,
);
export const SpeakerViewIcon = icon(
  <>
    <rect x="3" y="4" width="12" height="16" rx="2" />
    <path d="M19 4.5h2M19 9.5h2M19 14.5h2M19 19.5h2" />
  </>,
);
export const SettingsIcon = icon(<path d="M4 7h9M19 7h1M4 17h1M11 17h9M16 4.5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5ZM8 14.5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5Z" />);
export const LeaveIcon = icon(<path d="M3 14.5c0-1 .4-2 1.2-2.7C6.200 10 9 9 12 9s5.800 1 7.800 2.800c.8.700 1.200 1.700 1.200 2.700v.8c0 .8-.8 1.400-1.600 1.200l-2.900-.7c-.6-.2-1-.7-1-1.300v-1.600a11 11 0 0 0-7 0v1.600c0 .6-.4 1.100-1 1.300l-2.900.7c-.8.200-1.600-.4-1.600-1.200z" />);
export const LinkIcon = icon(<path d="M10 14a4.500 4.500 0 0 0 6.400 0l3.200-3.200a4.500 4.500 0 0 0-6.400-6.400l-1 1M14 10a4.500 4.500 0 0 0-6.400 0l-3.200 3.200a4.500 4.500 0 0 0 6.400 6.400l1-1" />);
export const KeyboardIcon = icon(
  <>
    <rect x="2.500" y="6" width="19" height="12" rx="2.500" />
    <path d="M6.500 10h.01M10 10h.01M14 10h.01M17.500 10h.01M8 14h8" />
  </>,
);
export const PinIcon = icon(<path d="M9 3.500h6l-1 6 3.500 3.500h-11L10 9.500zM12 13v7.500" />);
export const CloseIcon = icon(<path d="m6 6 12 12M18 6 6 18" />);
export const SendIcon = icon(<path d="M4 12 20.500 4.500 15 20l-3.500-6.500zM11.500 13.500l4-4" />);
export const PlusIcon = icon(<path d="M12 5v14M5 12h14" />);
export const ArrowIcon = icon(<path d="M5 12h14m-6-6 6 6-6 6" />);
export const BackIcon = icon(<path d="m14.500 6-6 6 6 6" />);
export const ForwardIcon = icon(<path d="m9.500 6 6 6-6 6" />);
export const CheckIcon = icon(<path d="m5 12.500 4.500 4.500L19 7.500" />);
export const RecordIcon = icon([<circle key="ring" cx="12" cy="12" r="8.5" />, <circle key="dot" cx="12" cy="12" r="4" fill="currentColor" stroke="none" />]);
export const PauseIcon = icon(<path d="M9 6v12M15 6v12" />);
export const ResumeIcon = icon(<path d="M8 5.500v13l10.500-6.500z" />);
export const PlayIcon = icon(<path d="M8 5.500v13l10.500-6.500z" fill="currentColor" />);
export const StopIcon = icon(<rect x="6.500" y="6.500" width="11" height="11" rx="2" fill="currentColor" />);
export const DownloadIcon = icon(<path d="M12 4v11m-4.500-4.500L12 15l4.500-4.500M5 19.500h14" />);
export const DeleteIcon = icon(<path d="M4.500 7h15M9.500 7V4.500h5V7M6.500 7l.8 12.500h9.400L17.500 7M10.300 10.500v5.500M13.700 10.500v5.500" />);
export const OpenIcon = icon(<path d="M14 4.500h5.500V10M19 5l-8 8M10 5.500H6A1.500 1.500 0 0 0 4.500 7v11A1.500 1.500 0 0 0 6 19.500h11a1.500 1.500 0 0 0 1.500-1.500v-4" />);
