/** What waits for `opened` stands still until the test has done its part. */
export interface Gate {
  opened: Promise<void>;
  open: () => void;
}

/** A gate, closed. */
export function closedGate(): Gate {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}
