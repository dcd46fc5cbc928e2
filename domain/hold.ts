/** That no request goes out, by a person's decision, until release. */
export interface Hold {
  /** Counting up. */
  id: number;
  heldAt: Date;
  heldBy: string;
  note: string;
  /** Null while it is in force. */
  endedAt: Date | null;
}

/** How many orders wait for a hold's release, and whether it is still in force. */
export interface HoldState {
  /** The hold in force, or the one whose orders are not all released yet. */
  hold: Hold;
  /** Orders whose workflow was not told yet. */
  waiting: number;
}

/** The one argument of `releaseHold`. */
export interface ReleaseHoldInput {
  holdId: number;
  /** Orders per second. */
  ratePerSecond: number;
  /** Orders that must be answered before the rest is released. */
  canary: number;
  /** How long they may take, in ms. */
  canaryWithinMs: number;
  /** Orders that earlier runs released. */
  released?: number;
}

/** What became of a release. */
export interface ReleaseResult {
  /**
   * `released`: nobody waits any more. `canaryFailed`: the first orders were not answered, and the hold
   * stays in force for all others. `heldAgain`: another hold began meanwhile, and holds the rest.
   */
  state: 'released' | 'canaryFailed' | 'heldAgain';
  /** Orders that were released. */
  released: number;
  /** Of a canary that failed: the orders that nobody answered. */
  unanswered?: string[];
}

/** The argument of the signal `released`. */
export interface ReleasedSignal {
  /** Of this hold, and all before it. */
  holdId: number;
  /** The order's deadline, later by the time that it was held. ISO 8601. */
  dispatchBy: string;
}
