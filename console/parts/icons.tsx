/** The page's few icons: lines of 1.5 on a grid of 16. */
const PATHS = {
  inbox: 'M2 9h3.5l1 2h3l1-2H14M2 9l2-6h8l2 6v4H2z',
  orders: 'M3 2.5h10v11l-1.7-1.2-1.6 1.2-1.7-1.2-1.7 1.2-1.6-1.2L3 13.5zM5.5 6h5M5.5 9h5',
  overview: 'M2 13V3M2 13h12M4.5 10.5l3-3.5 2.5 2 3.5-4.5',
  deadLetters: 'M2 4h12v8H2zM2 4l6 5 6-5M11 10.5l3 3M14 10.5l-3 3',
  repairs:
    'M9.5 6.5l-6 6M10 2.6a3.2 3.2 0 0 0-3.6 4.3L2.6 10.7a1.9 1.9 0 0 0 2.7 2.7l3.8-3.8A3.2 3.2 0 0 0 13.4 6l-2 1.5-2-.900-.200-2z',
  bulk: 'M2 4h2M2 8h2M2 12h2M6.5 4H14M6.5 8H14M6.5 12H14',
  audit: 'M8 2.5l5 2v3.5c0 3-2 5-5 6-3-1-5-3-5-6V4.5zM5.8 8l1.6 1.6 2.9-3.1',
  hold: 'M5.5 3v10M10.5 3v10',
  search: 'M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.3 10.3L14 14',
  sun: 'M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM8 1.5v1.2M8 13.3v1.2M1.5 8h1.2M13.3 8h1.2M3.4 3.4l.900.9M11.7 11.7l.900.9M12.6 3.4l-.900.9M4.3 11.7l-.900.9',
  moon: 'M13.5 9.5A5.8 5.8 0 0 1 6.5 2.5a5.8 5.8 0 1 0 7 7z',
  auto: 'M8 2.5a5.5 5.5 0 1 0 0 11zM8 2.5a5.5 5.5 0 0 1 0 11',
  more: 'M3.5 8h.01M8 8h.01M12.5 8h.01',
  close: 'M4 4l8 8M12 4l-8 8',
  back: 'M9.5 3.5L5 8l4.5 4.5',
  external: 'M6 3.5H3.5v9h9V10M9 3h4v4M13 3L7.5 8.5',
  copy: 'M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3',
  signOut: 'M6.5 3h-4v10h4M6 8h8M11 5l3 3-3 3',
  keyboard: 'M1.5 4h13v8h-13zM4 6.5h.01M6.5 6.5h.01M9 6.5h.01M11.5 6.5h.01M5 9.5h6',
} as const;

export type IconName = keyof typeof PATHS;

/** An icon that says nothing by itself: a text stands beside it, or is its button's label. */
export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth={name === 'more' ? 2.4 : 1.5}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}

/** The desk's own sign. */
export function Mark({ size = 22 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="#3b5bdb" />
      <path
        d="M8 16h9m0 0-4-4m4 4-4 4"
        fill="none"
        stroke="#fff"
        strokeWidth="2.6"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
      <circle cx="23" cy="16" r="3" fill="#fff" />
    </svg>
  );
}
