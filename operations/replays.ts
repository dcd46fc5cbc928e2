import { randomUUID } from 'node:crypto';
import { OrderDispatchError, ResolutionRefused } from '../domain/errors';
import {
  replayDeadLetters,
  type ReplayOptions,
  type ReplayProgress,
  type ReplayReport,
} from './dead-letters-replay';

/** A replay that this process does, or did. */
interface Replay {
  replayId: string;
  startedAt: Date;
  actor: string;
  /** Absent before the first message. */
  progress?: ReplayProgress;
  /** Once it is over. */
  report?: ReplayReport;
  /** Why it ended without a report. */
  failed?: string;
}

/** Replays that go on while nobody waits for them, of a process that lives on. */
export interface Replays {
  /** Begins one. @returns what is known of it from now on. */
  start: (options: ReplayOptions) => Replay;
  /** @throws {@link ResolutionRefused} where this process knows none by that ID. */
  find: (replayId: string) => Replay;
}

/** How many are remembered. */
const KEPT = 100;

/**
 * Keeps the replays of this process. Where it ends in the middle, what was not confirmed is open still,
 * and repeating the replay goes on from there.
 */
export function keepReplays(): Replays {
  const kept = new Map<string, Replay>();
  return {
    start: (options) => {
      const replay: Replay = {
        replayId: randomUUID(),
        startedAt: new Date(),
        actor: options.actor,
      };
      kept.set(replay.replayId, replay);
      for (const id of [...kept.keys()].slice(0, -KEPT)) kept.delete(id);
      void replayDeadLetters({
        ...options,
        onProgress: (progress) => (replay.progress = progress),
      }).then(
        (report) => (replay.report = report),
        (error: unknown) => {
          replay.failed =
            error instanceof OrderDispatchError ? error.message : 'it failed: see the log';
          options.log.error(
            { err: (error as Error).name, replayId: replay.replayId },
            'a replay failed',
          );
        },
      );
      return replay;
    },
    find: (replayId) => {
      const replay = kept.get(replayId);
      if (!replay) throw new ResolutionRefused(`there is no replay ${replayId} in this process`);
      return replay;
    },
  };
}
