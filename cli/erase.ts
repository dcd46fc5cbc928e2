import type { Command } from 'commander';
import { defined } from '../domain/defined';
import type { Erasure, ErasureRefused, Unsettled } from '../operations/erase';
import type { Remains } from '../operations/erase-remains';
import { UsageError } from '../domain/errors';
import { Told } from './exit';
import { parseTyped } from './options';
import { commandLines, fields, formatAge, print, say, type OutputOptions } from './output';
import {
  chooseTarget,
  withDatabases,
  withTemporal,
  type NextCommand,
  type TemporalCommand,
} from './open-services';
import { BY_SOMEBODY } from './templates';
import type { TargetOptions } from './target-options';

interface EraseOptions extends TargetOptions, OutputOptions {
  customer: string;
  actor: string;
  note: string;
  dryRun?: boolean;
}

/** As an order's. */
const CUSTOMER_ID_LENGTH = 128;

const HELP = `
What is blanked:
  orders            customer ID, delivery address, note and details; a person's
                    note on a decision, and its actor where that names the
                    customer
  acknowledgements  the dispatch system's detail, which was written for people
  repairs, human    a person's note, and its actor where that names the customer
  tasks, audit
  bulk runs         a note, an actor or an outcome that names the customer
  dead letters      all of a message but IDs, outcome, courier and times; an
                    open request is discarded
  inbox             (dispatch database) the detail of stored answers
What stays: order ID, restaurant, items, prices, times, status, courier and the
content hash, so that the same order placed again, a copy, a dead letter or a
sweep finds a final order and brings nothing back; and in the table erasures a
hash of the customer ID, the actor, the note and the counts. Do not name the
customer in --note. Set ORDER_DISPATCH_ERASURE_KEY, always to the same, and
nobody can find out by the hash whether an ID that they try was erased.

Orders that are not dispatched or cancelled yet, or wait for a person, refuse
the whole erasure: they are listed with what settles them. Afterwards it says
what remains in Temporal and RabbitMQ, and until when. Safe to repeat: a repeat
also blanks dead letters that came later.

Examples:
  $ order-dispatch erase --customer c-7 --actor mia --note "request 4711" --dry-run
  $ order-dispatch erase --customer c-7 --actor mia --note "request 4711"`;

/** `erase`: blanks a customer's personal data. */
export function addEraseCommand(program: Command): void {
  program
    .command('erase')
    .description(
      "Blank a customer's personal data in both databases and the dead letters, for good.",
    )
    .requiredOption('--customer <id>', 'the customer ID of the orders')
    .requiredOption('--actor <name>', 'who erases')
    .requiredOption('--note <text>', 'why; kept, so without personal data')
    .option('--dry-run', 'count what would be blanked, and blank nothing')
    .addHelpText('after', HELP)
    .action((_, command: Command) => erase(command.optsWithGlobals()));
}

async function erase(options: EraseOptions): Promise<void> {
  const { customer: customerId, dryRun = false } = options;
  if (customerId === '' || customerId.length > CUSTOMER_ID_LENGTH) {
    throw new UsageError(`--customer: must be 1-${CUSTOMER_ID_LENGTH} characters`);
  }
  const { parseAct } = await import('../domain/act.js');
  const act = parseTyped(() => parseAct(options));
  const { services, nextCommand, temporalCommand } = await chooseTarget(options, {
    needs: ['temporal', 'ordersDatabaseUrl'],
    mayUse: ['dispatchDatabaseUrl'],
  });
  await withTemporal(services, (session) =>
    withDatabases(services, async (databases) => {
      const { ErasureRefused } = await import('../operations/erase.js');
      const { eraseKnowingRemains } = await import('../operations/erase-remains.js');
      const { readErasureKey } = await import('../runtime/config.js');
      const hashKey = readErasureKey();
      const request = { customerId, ...act, dryRun, now: new Date(), ...defined({ hashKey }) };
      try {
        const erased = await eraseKnowingRemains({ session, databases }, request);
        const { remains, ...erasure } = erased;
        print(
          options,
          { dryRun, ...erased },
          `${erasureText(erasure, dryRun)}\n\n${remainsText(remains, temporalCommand)}`,
        );
      } catch (error) {
        if (!(error instanceof ErasureRefused)) throw error;
        showUnsettled(error, options, nextCommand);
        throw options.json ? new Told(error) : error;
      }
    }),
  );
}

function erasureText(erasure: Erasure, dryRun: boolean): string {
  const { orderIds, newlyErased, erasedBefore, rows, customerHash } = erasure;
  const before = newlyErased.length === 0 ? 'all' : `${erasedBefore} of them`;
  const known = `${orderIds.length}${erasedBefore > 0 ? `, ${before} erased before` : ''}`;
  const counts = Object.entries(rows).flatMap(([table, count]: [string, number]) =>
    erasedBefore > 0 && count === 0 ? [] : [`${table} ${count}`],
  );
  return fields({
    'orders of the customer':
      orderIds.length > 0 ? [known, ...newlyErased].join('\n') : 'none: check the customer ID',
    [dryRun ? 'rows that would be blanked' : 'rows blanked']:
      counts.length > 0 ? counts.join('\n') : 'none: nothing was left',
    'dispatch database':
      rows.inbox === undefined ? 'not given: nothing was blanked there' : undefined,
    'customer hash': customerHash,
  });
}

function remainsText(remains: Remains, temporalCommand: TemporalCommand): string {
  const { namespace, retentionMs, isArchived, histories, lastRemovedAt } = remains.temporal;
  const running = histories.filter(({ removedAt }) => removedAt === undefined);
  const ids = [...new Set(histories.map(({ workflowId }) => workflowId))];
  const lines = [
    `Temporal: namespace ${namespace} keeps histories for ${formatAge(retentionMs)} after a workflow's end.`,
    histories.length === 0
      ? '  None of these orders is left there.'
      : `  ${histories.length} histories still hold what they were started with:`,
    ...histories.map(
      ({ workflowId, runId, removedAt }) =>
        `    ${workflowId} (run ${runId}): ${removedAt ? `until ${removedAt}` : 'it still runs'}`,
    ),
    lastRemovedAt !== undefined && `  The last that has ended is removed at ${lastRemovedAt}.`,
    running.length > 0 && '  Those that run are kept that long after they have ended.',
    isArchived && '  The namespace archives histories: remove them from its archive, too.',
    histories.length > 0 && '  To remove them at once:',
    ...ids.map((id) =>
      commandLines(temporalCommand(`workflow delete --workflow-id ${id}`), '    '),
    ),
    '',
    'RabbitMQ:',
    ...remains.rabbitmq.map(({ queue, until }) => `  ${queue}: ${until}.`),
  ];
  return lines.filter((line) => line !== false).join('\n');
}

function showUnsettled(
  { unsettled, code, message }: ErasureRefused,
  options: OutputOptions,
  nextCommand: NextCommand,
): void {
  const settle = settlingCommands(unsettled, nextCommand);
  if (options.json) {
    print(options, { refused: true, unsettled: settle, error: { code, message } }, '');
    return;
  }
  for (const { what, is, command } of settle) say(`${what} is ${is}; to settle it:\n  ${command}`);
}

interface Settling {
  what: string;
  is: string;
  command: string;
}

/** One ready command for each thing that stands in the way. */
function settlingCommands(
  { orders, deadLetters }: Unsettled,
  nextCommand: NextCommand,
): Settling[] {
  return [
    ...orders.map(({ orderId, status, escalationReason }): Settling => {
      const what = `order ${orderId}`;
      if (escalationReason !== null) {
        const is = `${status}, waits for a person (${escalationReason})`;
        return { what, is, command: nextCommand(`tasks show ${orderId}`) };
      }
      return status === 'cancelling'
        ? { what, is: status, command: `wait; ${nextCommand(`show ${orderId}`)}` }
        : { what, is: status, command: nextCommand(`cancel ${orderId} ${BY_SOMEBODY}`) };
    }),
    ...deadLetters.map(({ id, orderId }): Settling => {
      const about = orderId === null ? 'of an unknown order' : `of order ${orderId}`;
      return {
        what: `dead letter ${id}`,
        is: `open, ${about}`,
        command: nextCommand(`dead-letters replay ${id} ${BY_SOMEBODY}`),
      };
    }),
  ];
}
