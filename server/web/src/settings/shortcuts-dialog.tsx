import { Dialog } from '../ui/dialog';
import './shortcuts.css';
import { SHORTCUTS, type Actions } from './shortcuts';

export function ShortcutsDialog({ actions, onClose }: { actions: Actions; onClose: () => void }) {
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose}>
      <dl className="shortcuts">
        {SHORTCUTS.filter(({ does }) => actions[does]).map(({ key, text }) => (
          <div key={key}>
            <dt>
              <kbd>{key.toUpperCase()}</kbd>
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
