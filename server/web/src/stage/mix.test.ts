import type { TrackReferenceOrPlaceholder } from '@livekit/components-react';
import { ParticipantKind, Track } from 'livekit-client';
import { describe, expect, test } from 'vitest';
import { withoutDoubles } from './mix';

function track(identity: string, kind: ParticipantKind, isSubscribed = true): TrackReferenceOrPlaceholder {
  const participant = { identity, kind };
  const publication = { isSubscribed, source: Track.Source.Camera };
  return { participant, publication, source: Track.Source.Camera } as unknown as TrackReferenceOrPlaceholder;
}

const names = (tracks: TrackReferenceOrPlaceholder[]) => tracks.map(({ participant }) => participant.identity);

describe('what is shown of a room that is mixed', () => {
  const people = [track('ann', ParticipantKind.STANDARD), track('ben', ParticipantKind.AGENT)];

  test('is everybody, for those who do not get the mix', () => {
    expect(names(withoutDoubles([...people, track('mix', ParticipantKind.EGRESS, false)]))).toEqual(['ann', 'ben']);
  });

  test('is the mix alone, for those who get it', () => {
    expect(names(withoutDoubles([...people, track('mix', ParticipantKind.EGRESS)]))).toEqual(['mix']);
  });

  test('is everybody without a mix', () => {
    expect(names(withoutDoubles(people))).toEqual(['ann', 'ben']);
  });
});
