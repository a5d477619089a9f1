import { ConnectionState, RoomEvent, type Room } from 'livekit-client';
import { useEffect, useState } from 'react';

/** Whether a room is recorded, and if so, whether the person in it has been told. */
export type Knowledge = 'not recorded' | 'untold' | 'told';

/** `announced` is whether the change was an event, which everyone hears of when it happens. */
export function learn(before: Knowledge, isRecorded: boolean, announced: boolean): Knowledge {
  if (!isRecorded) return 'not recorded';
  if (before !== 'not recorded') return before;
  return announced ? 'told' : 'untold';
}

/**
 * Follows whether a room is recorded. The SDK has an event for that only while it is connected: who joins
 * a room that is recorded, or comes back into one, finds it so.
 */
export function useKnowledge(room: Room): [Knowledge, (knowledge: Knowledge) => void] {
  const [knowledge, setKnowledge] = useState<Knowledge>(() => learn('not recorded', room.isRecording, false));
  useEffect(() => {
    const onChange = (isRecorded: boolean) => setKnowledge((before) => learn(before, isRecorded, true));
    const onConnection = (state: ConnectionState) => {
      if (state === ConnectionState.Connected) setKnowledge((before) => learn(before, room.isRecording, false));
    };
    onConnection(room.state);
    room.on(RoomEvent.RecordingStatusChanged, onChange).on(RoomEvent.ConnectionStateChanged, onConnection);
    return () => {
      room.off(RoomEvent.RecordingStatusChanged, onChange).off(RoomEvent.ConnectionStateChanged, onConnection);
    };
  }, [room]);
  return [knowledge, setKnowledge];
}
