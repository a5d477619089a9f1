/** Initials on a colour that stays with the participant, where there is no picture. */
export function Avatar({ identity, name }: { identity: string; name: string }) {
  return (
    <div className="avatar" aria-hidden="true">
      <span style={{ '--hue': hueOf(identity) } as React.CSSProperties}>{initialsOf(name)}</span>
    </div>
  );
}

export function initialsOf(name: string): string {
  const words = name.trim().split(/\s+/u);
  const letters = [words[0], words.length > 1 ? words.at(-1) : undefined].map((word) => (word ? [...word][0] : ''));
  return letters.join('').toLocaleUpperCase();
}

function hueOf(identity: string): number {
  let hash = 0;
  for (const char of identity) hash = (hash * 31 + char.codePointAt(0)!) % 360;
  return hash;
}
