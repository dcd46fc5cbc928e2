import { z } from 'zod';
import { decide as referenceDecide, type Decide } from '../dispatch-system/decide';

/** What an order of the demo can ask of the dispatch system, in its `details.demo`. */
export const DEMO_ANSWERS = ['silentOnce', 'silentForEver'] as const;

/** What an order of the demo can ask of the dispatch system. */
export type DemoAnswer = (typeof DEMO_ANSWERS)[number];

const detailsSchema = z.object({ demo: z.enum(DEMO_ANSWERS) });

/** Requests that have been met with silence. */
const ignored = new Set<string>();

/** The demo's dispatch system: does what an order's `details.demo` says, else what the real one does. */
export const decide: Decide = (question) => {
  if (question.kind === 'withdrawal') return referenceDecide(question);
  const { requestId, order } = question.request;
  const wanted = wantedAnswer(order['details']);
  if (wanted === undefined || (wanted === 'silentOnce' && ignored.has(requestId))) {
    return referenceDecide(question);
  }
  ignored.add(requestId);
  return { kind: 'staySilent' };
};

function wantedAnswer(details: unknown): DemoAnswer | undefined {
  return detailsSchema.safeParse(details).data?.demo;
}
