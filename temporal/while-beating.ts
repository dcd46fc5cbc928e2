import { Context } from '@temporalio/activity';

/** Does an activity's work, and tells the server all the while that it is alive. */
export async function whileBeating<Result>(work: () => Promise<Result>): Promise<Result> {
  const context = Context.current();
  const { heartbeatTimeoutMs = 0 } = context.info;
  context.heartbeat();
  const beats = setInterval(() => context.heartbeat(), Math.max(1_000, heartbeatTimeoutMs / 3));
  try {
    return await work();
  } finally {
    clearInterval(beats);
  }
}
