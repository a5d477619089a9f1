import type { ReactNode } from 'react';
import { roomLink } from '../navigation';
import type { View } from '../stage/stage';
import { Brand } from '../ui/brand';
import { GridIcon, KeyboardIcon, LinkIcon, SettingsIcon, SpeakerViewIcon } from '../ui/icons';
import { toast } from '../ui/toasts';

interface Props {
  roomName: string;
  shareable: boolean;
  /** What is said beside the name of the room. */
  children: ReactNode;
  view: View;
  onView: () => void;
  onDevices: () => void;
  onShortcuts: () => void;
}

/** The line above the stage: which room this is, and how to look at it. */
export function Header({ roomName, shareable, children, view, onView, onDevices, onShortcuts }: Props) {
  const viewLabel = view === 'grid' ? 'Speaker view' : 'Grid view';
  return (
    <header className="conference-header">
      <Brand />
      <h1 title={roomName}>{roomName}</h1>
      {shareable && (
        <button className="icon-button" onClick={() => void copyLink(roomName)} aria-label="Copy the link to this room" title="Copy the link to this room">
          <LinkIcon />
        </button>
      )}
      {children}
      <span className="spacer" />
      <button className="icon-button" onClick={onView} aria-label={viewLabel} aria-keyshortcuts="g" title={`${viewLabel} (G)`}>
        {view === 'grid' ? <SpeakerViewIcon /> : <GridIcon />}
      </button>
      <button className="icon-button wide-only" onClick={onShortcuts} aria-label="Keyboard shortcuts" aria-keyshortcuts="?" title="Keyboard shortcuts (?)">
        <KeyboardIcon />
      </button>
      <button className="icon-button" onClick={onDevices} aria-label="Devices" title="Devices">
        <SettingsIcon />
      </button>
    </header>
  );
}

async function copyLink(roomName: string): Promise<void> {
  const link = roomLink(roomName);
  try {
    await navigator.clipboard.writeText(link);
    toast('Link copied. Whoever opens it can join.');
  } catch {
    toast(link);
  }
}
