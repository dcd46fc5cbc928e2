import type { Outcome } from '../domain/messages/acknowledgement';
import type { DispatchFacts } from '../domain/verdict';
import type { OrderScript, RequestReply } from './order-script';

/** What an order hears from the dispatch system. */
export type FakeAnswer = Exclude<RequestReply, { outcome: 'silence' }>;

const REQUESTS: readonly RequestReply[] = [{ outcome: 'accepted', courierId: 'courier-1' }];

/**
 * The dispatch system's side of one order, with the contract's rules: a repeat gets the stored answer,
 * a live dispatch is accepted again, and a request that comes after its withdrawal is rejected.
 */
export class FakeDispatchSystem {
  private readonly answers = new Map<string, FakeAnswer>();
  private live: { courierId: string; requestId: string } | undefined;
  private withdrawalAnswer: Outcome | undefined;
  private hadCourier = false;
  private asked = 0;

  constructor(private script: OrderScript) {}

  /** Goes on by another script, from its first reply. */
  follow(script: OrderScript): void {
    this.script = script;
    this.asked = 0;
  }

  /** What its database says. */
  get facts(): DispatchFacts {
    if (this.live) return { status: 'live', ...this.live };
    return { status: this.hadCourier ? 'withdrawn' : 'none' };
  }

  /** The answer to a request; `undefined` for silence. */
  request(requestId: string): FakeAnswer | undefined {
    const repeat = this.answers.get(requestId);
    if (repeat) return { ...repeat, answerAfterMs: 0 };
    const answer = this.decide();
    if (!answer) return undefined;
    this.answers.set(requestId, answer);
    if (answer.outcome === 'accepted') this.live ??= { courierId: answer.courierId, requestId };
    return answer;
  }

  /** The answer to the withdrawal; `undefined` for silence. */
  withdraw():
    { outcome: 'withdrawn' } | { outcome: 'withdrawalRefused'; courierId: string } | undefined {
    const { withdrawal = 'withdrawn' } = this.script;
    if (this.live && !this.withdrawalAnswer) {
      if (withdrawal === 'silence') return undefined;
      this.withdrawalAnswer = withdrawal;
    }
    this.withdrawalAnswer ??= 'withdrawn';
    if (this.live && this.withdrawalAnswer === 'withdrawalRefused') {
      return { outcome: 'withdrawalRefused', courierId: this.live.courierId };
    }
    this.hadCourier ||= this.live !== undefined;
    this.live = undefined;
    return { outcome: 'withdrawn' };
  }

  private decide(): FakeAnswer | undefined {
    if (this.live) return { outcome: 'accepted', courierId: this.live.courierId };
    if (this.withdrawalAnswer) return { outcome: 'rejected', rejectionCode: 'withdrawn' };
    const { requests = REQUESTS } = this.script;
    const reply = requests[Math.min(this.asked, requests.length - 1)];
    this.asked += 1;
    return reply?.outcome === 'silence' ? undefined : reply;
  }
}
