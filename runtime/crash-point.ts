/** The places where a process can be made to die, to prove that nothing is lost there. */
export const CRASH_POINTS = [
  'relay.beforePublish',
  'relay.beforeCommit',
  'publish.atConfirm',
  'quickPath.afterInsert',
  'quickPath.afterPublish',
  'acknowledgement.afterCommit',
  'acknowledgement.beforeAck',
  'compensation.afterFirstStep',
  'compensation.beforeLastStep',
  'bulk.afterResolve',
  'drain.afterCommit',
  'dispatchSystem.afterCommit',
  'dispatchSystem.afterAnswer',
  'supplement.afterQueries',
  'supplement.afterStart',
  'supplement.beforeAck',
] as const;

/** A place where a process can be made to die. */
export type CrashPoint = (typeof CRASH_POINTS)[number];

/** What arms none at the start, but those that the parent process names one after the other. */
export const CRASH_BY_MESSAGE = 'byMessage';

let armed: CrashPoint | undefined;

/** Arms one crash point of this process; without a call, none ever fires. */
export function armCrashPoint(point: CrashPoint | typeof CRASH_BY_MESSAGE | undefined): void {
  if (point !== CRASH_BY_MESSAGE) {
    armed = point;
    return;
  }
  process.on('message', (named: CrashPoint) => {
    armed = named;
    process.send?.(named);
  });
  // The channel is no reason to go on for whoever is told to end.
  process.channel?.unref();
}

/** Dies here, as hard as a power cut, if the configuration says so. Fault tests use it. */
export function crashPoint(point: CrashPoint): void {
  if (armed === point) process.kill(process.pid, 'SIGKILL');
}
