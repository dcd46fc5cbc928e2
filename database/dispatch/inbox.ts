import type { Acknowledgement } from '../../domain/messages/acknowledgement';
import type { DispatchTransaction } from './order-transaction';

/** Finds the answers that were given to these requests and withdrawals, by request ID. */
export async function findStoredAnswers(
  transaction: DispatchTransaction,
  requestIds: string[],
): Promise<Map<string, Acknowledgement>> {
  const entries = await transaction.inboxEntry.findMany({
    where: { requestId: { in: requestIds } },
  });
  return new Map(
    entries.map(({ requestId, answer }) => [requestId, answer as unknown as Acknowledgement]),
  );
}

/** Keeps an answer, so that a repeat gets the same. */
export async function storeAnswer(
  transaction: DispatchTransaction,
  answer: Acknowledgement,
): Promise<void> {
  const { requestId, orderId } = answer;
  await transaction.inboxEntry.create({
    data: { requestId, orderId, answer: answer },
  });
}
