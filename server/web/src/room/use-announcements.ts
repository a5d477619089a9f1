import { ConnectionState, RoomEvent, Track, type Participant, type RemoteParticipant, type Room, type TrackPublication } from 'livekit-client';
import { useEffect } from 'react';
import { isMix } from '../stage/mix';
import { toast } from '../ui/toasts';

/** Says who comes, goes and shares a screen, and when a recording starts and stops. */
export function useAnnouncements(room: Room): void {
  useEffect(() => {
    // While the SDK reconnects it takes everyone out and in again: that is not news.
    const say = (text: string) => room.state === ConnectionState.Connected && toast(text);
    const joined = (participant: RemoteParticipant) => !isMix(participant) && say(`${nameOf(participant)} joined`);
    const left = (participant: RemoteParticipant) => !isMix(participant) && say(`${nameOf(participant)} left`);
    const published = (publication: TrackPublication, participant: RemoteParticipant) => {
      if (publication.source === Track.Source.ScreenShare) say(`${nameOf(participant)} shares the screen`);
    };
    const recorded = (isRecorded: boolean) => say(isRecorded ? 'Recording has started: everyone here is recorded.' : 'Recording has stopped.');
    room.on(RoomEvent.ParticipantConnected, joined);
    room.on(RoomEvent.ParticipantDisconnected, left);
    room.on(RoomEvent.TrackPublished, published);
    room.on(RoomEvent.RecordingStatusChanged, recorded);
    return () => {
      room.off(RoomEvent.ParticipantConnected, joined);
      room.off(RoomEvent.ParticipantDisconnected, left);
      room.off(RoomEvent.TrackPublished, published);
      room.off(RoomEvent.RecordingStatusChanged, recorded);
    };
  }, [room]);
}

function nameOf(participant: Participant): string {
  return participant.name || participant.identity;
}
