/** The name and mark of Plenary; a link to the start page. */
export function Brand() {
  return (
    <a className="brand" href="/">
      <svg viewBox="0 0 32 32" width="30" height="30" aria-hidden="true">
        <rect width="32" height="32" rx="9" fill="#1b252f" />
        <path d="M7 21a9 9 0 0 1 18 0" fill="none" stroke="var(--accent)" strokeWidth="3" strokeLinecap="round" />
        <path d="M11.5 21a4.5 4.5 0 0 1 9 0" fill="none" stroke="var(--accent)" strokeOpacity=".55" strokeWidth="3" strokeLinecap="round" />
        <circle cx="16" cy="22.5" r="2" fill="var(--warm)" />
      </svg>
      <span>Plenary</span>
    </a>
  );
}
