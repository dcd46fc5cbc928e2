/** The places where a process can be made to die, to prove that nothing is lost there. */
export const CRASH_POINTS = [
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
  'relay.beforePublish',
  'relay.beforeCommit',
] as const;

/** A place where a process can be made to die. */
export type CrashPoint = (typeof CRASH_POINTS)[number];

let armed: CrashPoint | undefined;

/** Arms one crash point of this process; without a call, none ever fires. */
export function armCrashPoint(point: CrashPoint | undefined): void {
  armed = point;
}

/** Dies here, as hard as a power cut, if the configuration says so. Fault tests use it. */
export function crashPoint(point: CrashPoint): void {
  if (armed === point) process.kill(process.pid, 'SIGKILL');
}
