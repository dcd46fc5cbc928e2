const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/** A signal that asks a process to stop. */
export type StopSignal = keyof typeof SIGNALS;

/** npm and the terminal each pass Ctrl-C on, so that one press may arrive twice. */
const SAME_PRESS_MS = 1000;

/**
 * Calls `stop` on the first Ctrl-C, SIGTERM or SIGHUP. Who asks again while that goes on gets what
 * they want: the process exits at once, and the scope's watchdog does the rest.
 */
export function onStopSignal(stop: (signal: StopSignal) => void): void {
  let firstAt: number | undefined;
  for (const [signal, number] of Object.entries(SIGNALS)) {
    process.on(signal, () => {
      if (firstAt === undefined) {
        firstAt = Date.now();
        stop(signal as StopSignal);
      } else if (Date.now() - firstAt > SAME_PRESS_MS) {
        process.exit(128 + number);
      }
    });
  }
}
