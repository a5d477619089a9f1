import { isTrackReference, type TrackReferenceOrPlaceholder } from '@livekit/components-react';
import { ParticipantKind, type Participant } from 'livekit-client';

/** Whether somebody is what the server has made of all the others: one picture and one sound. */
export function isMix({ kind }: Pick<Participant, 'kind'>): boolean {
  return kind === ParticipantKind.EGRESS;
}

/**
 * What is to be shown of these: the mix alone if one is received, which has everybody in it, and otherwise everybody but
 * the mix.
 */
export function withoutDoubles(tracks: TrackReferenceOrPlaceholder[]): TrackReferenceOrPlaceholder[] {
  const mixed = tracks.filter((track) => isMix(track.participant) && isTrackReference(track) && track.publication.isSubscribed);
  return mixed.length > 0 ? mixed : tracks.filter((track) => !isMix(track.participant));
}
