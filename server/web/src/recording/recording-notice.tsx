/** Tells who comes into a room that is recorded. */
export function RecordingNotice({ onUnderstood }: { onUnderstood: () => void }) {
  return (
    <div className="recording-notice" role="alert">
      <span className="recording-dot" />
      <p>
        <strong>This room is being recorded.</strong> So is what you say and show.
      </p>
      <button className="button" onClick={onUnderstood}>
        Got it
      </button>
    </div>
  );
}
