import { Landing } from './landing/landing';
import { usePlace } from './navigation';
import { RecordingsPage } from './recording/recordings-page';
import { RoomPage } from './room/room-page';
import { Message } from './ui/message';

/** Shows the page that the address names: the landing page, a room or its recordings. */
export function App() {
  const place = usePlace();
  switch (place.kind) {
    case 'landing':
      return <Landing />;
    case 'room':
      return <RoomPage key={place.room} roomName={place.room} />;
    case 'recordings':
      return <RecordingsPage key={place.room} roomName={place.room} />;
    case 'unknown':
      return (
        <Message title="There is nothing here">
          <p>This address is not a room. Check the link, or start again.</p>
          <a className="button primary" href="/">
            Go to the start page
          </a>
        </Message>
      );
  }
}
