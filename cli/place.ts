import { setTimeout as pause } from 'node:timers/promises';
import { Option, type Command } from 'commander';
import type { OrderHandle, PolicyOverrides } from '../client';
import type { OrderResult } from '../domain/workflow-contract';
import { dispatchOrderWorkflowId } from '../domain/temporal-names';
import { exampleOrder } from './example-order';
import { EXIT, UsageError } from './exit';
import { parseJson, readJsonFile } from './json-file';
import { print, say, type OutputOptions } from './output';
import { chooseTarget, withTemporal, type NextCommand } from './open-services';
import { statusText } from './status-text';
import type { TargetOptions } from './target-options';

interface PlaceOptions extends TargetOptions, OutputOptions {
  file?: string;
  policy?: string;
  policyFile?: string;
  wait?: boolean;
  example?: boolean;
}

/** How often `--wait` looks whether the order needs a person, in ms. */
const LOOK_EVERY_MS = 2_000;

const HELP = `
Placing the same order again is safe: it is the same order. Another order under its ID is refused.

An order file (\`--example\` prints one with an ID of its own):
${JSON.stringify({ ...exampleOrder(new Date('2026-11-23T12:00:00Z')), orderId: 'o-1001' }, undefined, 2)}
  orderId is 1-64 characters of A-Z, a-z, 0-9, _ and -; prices are in the currency's minor unit;
  note and details may be left out.

A policy names only what differs from the worker's: quickWindowMs, acknowledgementTimeoutMs,
maximumAttempts, initialIntervalMs, backoffCoefficient, maximumIntervalMs, dispatchWithinMs,
onRejection (cancel or escalate).

Examples:
  $ order-dispatch place --example > order.json
  $ order-dispatch place --file order.json --wait
  $ order-dispatch place --file - --policy '{"dispatchWithinMs": 600000}' < order.json`;

/** `place`: places an order from a file. */
export function addPlaceCommand(program: Command): void {
  program
    .command('place')
    .description('Place an order, so that it gets dispatched.')
    .option('--file <path>', 'the order as JSON; - reads it from stdin')
    .addOption(
      new Option('--policy <json>', 'what differs from the default policy').conflicts('policyFile'),
    )
    .option('--policy-file <path>', 'the same from a file; - reads it from stdin')
    .option('--wait', 'wait for the result, and exit with 1 if it is `cancelled`')
    .option('--example', 'print an order to begin with, and do nothing else')
    .addHelpText('after', HELP)
    .action((_, command: Command) => place(command.optsWithGlobals()));
}

async function place(options: PlaceOptions): Promise<void> {
  if (options.example) {
    const order = exampleOrder(new Date());
    print({ json: true }, order, '');
    return;
  }
  if (options.file === undefined) {
    throw new UsageError('--file is needed: the path of the order, or - for stdin');
  }
  if (options.file === '-' && options.policyFile === '-') {
    throw new UsageError('--file and --policy-file cannot both be stdin');
  }
  const { parseOrder } = await import('../domain/order.js');
  const order = parseOrder(await readJsonFile({ path: options.file, what: 'order file' }));
  const policy = await readPolicy(options);
  const { services, nextCommand } = await chooseTarget(options, { needs: ['temporal'] });
  await withTemporal(services, async ({ orders }) => {
    const handle = await orders.placeOrder(order, policy && { policy });
    const { orderId } = handle;
    if (options.wait) {
      const result = await waitForResult({ handle, nextCommand });
      print(options, result, statusText({ view: result, nextCommand }));
      if (result.status === 'cancelled') process.exitCode = EXIT.refused;
      return;
    }
    print(
      options,
      { orderId, workflowId: dispatchOrderWorkflowId(orderId) },
      `order ${orderId} is placed; where it stands: ${nextCommand(`show ${orderId}`)}`,
    );
  });
}

async function readPolicy(options: PlaceOptions): Promise<PolicyOverrides | undefined> {
  const { policy, policyFile } = options;
  if (policy === undefined && policyFile === undefined) return undefined;
  const { parsePolicyOverrides } = await import('../domain/policy.js');
  return parsePolicyOverrides(
    policyFile === undefined
      ? parseJson({ json: policy ?? '', what: '--policy' })
      : await readJsonFile({ path: policyFile, what: 'policy file' }),
  );
}

async function waitForResult(options: {
  handle: OrderHandle;
  nextCommand: NextCommand;
}): Promise<OrderResult> {
  const { handle } = options;
  say(
    `waiting until order ${handle.orderId} is dispatched or cancelled (Ctrl-C ends the waiting, not the order)`,
  );
  const done = new AbortController();
  const telling = tellHumanTasks({ ...options, signal: done.signal });
  try {
    return await handle.result();
  } finally {
    done.abort();
    await telling;
  }
}

/** Says when the order waits for a person: from then on, waiting longer does not help. */
async function tellHumanTasks(options: {
  handle: OrderHandle;
  nextCommand: NextCommand;
  signal: AbortSignal;
}): Promise<void> {
  const { handle, nextCommand, signal } = options;
  let told: string | undefined;
  while (!signal.aborted) {
    await pause(LOOK_EVERY_MS, undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    // What keeps this look from answering keeps `result()` from answering, too, and is told there.
    const view = await handle.status().catch(() => undefined);
    const since = view?.humanTask?.escalatedAt;
    if (!view?.humanTask || since === told || signal.aborted) continue;
    told = since;
    say(
      `order ${handle.orderId} waits for a person (${view.humanTask.escalationReason}): ${nextCommand(`tasks show ${handle.orderId}`)}`,
    );
  }
}
