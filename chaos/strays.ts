import { setTimeout as sleep } from 'node:timers/promises';
import type { Acknowledgement } from '../domain/messages/acknowledgement';
import { requestIdOf } from '../domain/request-id';
import { acknowledgementMessage } from '../messaging/messages';
import { Publisher } from '../messaging/publisher';
import { silentLogger } from '../runtime/logger';
import { query } from '../stack/servers/query';
import { draw, pick } from './draw';

type Stray = 'repeated' | 'contradicting' | 'toNoRequest' | 'toNoOrder';

/** From one stray answer to the next, in ms. */
const EVERY_MS = 1_500;

/** Answers that no dispatch system in its right mind sends: again, late, out of turn, to what nobody asked. */
export class Strays {
  /** IDs of requests that a stray answered: the inbox knows nothing of it. */
  readonly requestIds = new Set<string>();
  sent: Record<Stray, number> = { repeated: 0, contradicting: 0, toNoRequest: 0, toNoOrder: 0 };
  private isOver = false;

  constructor(
    private readonly given: {
      amqpUrl: string;
      dispatchDatabaseUrl: string;
      seed: number;
    },
  ) {}

  /** Sends until it is told to end. */
  async work(): Promise<void> {
    const { amqpUrl, seed } = this.given;
    const publisher = await Publisher.open({ url: amqpUrl, name: 'strays', log: silentLogger() });
    for (let n = 1; !this.isOver; n += 1) {
      await sleep(EVERY_MS);
      const at = draw(seed, 'stray', n);
      // A contradiction is for a person to settle: there are few.
      const kinds = ['repeated', 'repeated', 'toNoRequest', 'toNoOrder', 'contradicting'] as const;
      const kind = pick<Stray>([...kinds], at);
      // What is away just now gets none.
      await this.send(publisher, kind).catch(() => {});
    }
    await publisher.close();
  }

  end(): void {
    this.isOver = true;
  }

  private async send(publisher: Publisher, kind: Stray): Promise<void> {
    const [stored] = await query<{ answer: Acknowledgement }>(
      this.given.dispatchDatabaseUrl,
      `SELECT answer FROM inbox WHERE answer ->> 'outcome' = 'accepted'
       ORDER BY random() LIMIT 1`,
    );
    if (!stored) return;
    const answer = answerOf(kind, stored.answer);
    this.requestIds.add(answer.requestId);
    await publisher.publish(acknowledgementMessage(answer, {}));
    this.sent[kind] += 1;
  }
}

function answerOf(kind: Stray, answer: Acknowledgement): Acknowledgement {
  switch (kind) {
    case 'repeated':
      return answer;
    case 'contradicting':
      return { ...answer, courierId: 'courier-of-nobody' };
    case 'toNoRequest':
      return { ...answer, requestId: requestIdOf(answer.orderId, 99) };
    case 'toNoOrder':
      return { ...answer, orderId: 'nobodys', requestId: requestIdOf('nobodys', 1) };
  }
}
