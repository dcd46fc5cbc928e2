import { Option, type Command } from 'commander';
import type { PolicyOverrides } from '../client';
import { dispatchOrderWorkflowId } from '../domain/temporal-names';
import { exampleOrder } from './example-order';
import { UsageError } from '../domain/errors';
import { EXIT } from './exit';
import { parseJson, readJsonFile } from './json-file';
import { print, type OutputOptions } from './output';
import { chooseTarget, withTemporal } from './open-services';
import { statusText } from './status-text';
import type { TargetOptions } from './target-options';
import { timeoutOption, waitFor, type WaitOptions } from './waiting';

interface PlaceOptions extends TargetOptions, OutputOptions, WaitOptions {
  file?: string;
  policy?: string;
  policyFile?: string;
  wait?: boolean;
  watch?: boolean;
  example?: boolean;
}

const HELP = `
Placing the same order again is safe: it is the same order. Another order under
its ID is refused.

An order file (\`--example\` prints one with an ID of its own):
${JSON.stringify({ ...exampleOrder(new Date('2026-11-23T12:00:00Z')), orderId: 'o-1001' }, undefined, 2)}
  orderId is 1-64 characters of A-Z, a-z, 0-9, _ and -; prices are in the
  currency's minor unit; note and details may be left out.

A policy names only what differs from the worker's: quickWindowMs,
acknowledgementTimeoutMs, maximumAttempts, initialIntervalMs,
backoffCoefficient, maximumIntervalMs, dispatchWithinMs, onRejection (cancel or
escalate).

Examples:
  $ order-dispatch place --example > order.json
  $ order-dispatch place --file order.json --wait
  $ order-dispatch place --file order.json --watch
  $ order-dispatch place --file - --policy '{"dispatchWithinMs": 600000}' < order.json`;

/** What is typed first, and by whoever forgot the option. */
const FILE_NEEDED =
  '--file is needed: the path of the order, or - for stdin; --example prints an order';

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
    .addOption(
      new Option(
        '--watch',
        'print what happens to it until it is dispatched or cancelled',
      ).conflicts('wait'),
    )
    .option('--wait', 'wait for the result, and exit with 1 if it is `cancelled`')
    .addOption(timeoutOption())
    .option('--example', 'print an order to begin with, and do nothing else')
    .allowExcessArguments()
    .addHelpText('after', HELP)
    .action((_, command: Command) => {
      if (command.args.length > 0) {
        throw new UsageError('place takes no argument: an order file is named by --file');
      }
      return place(command.optsWithGlobals());
    });
}

async function place(options: PlaceOptions): Promise<void> {
  if (options.example) {
    const order = exampleOrder(new Date());
    print({ json: true }, order, '');
    return;
  }
  if (options.file === undefined) {
    throw new UsageError(FILE_NEEDED);
  }
  if (options.file === '-' && options.policyFile === '-') {
    throw new UsageError('--file and --policy-file cannot both be stdin');
  }
  const { parseNewOrder } = await import('../domain/order.js');
  const order = parseNewOrder(await readJsonFile({ path: options.file, what: 'order file' }));
  const policy = await readPolicy(options);
  const { services, nextCommand } = await chooseTarget(options, {
    needs: ['temporal'],
    ...(options.watch && { mayRead: ['ordersDatabaseUrl'] as const }),
  });
  await withTemporal(services, async (session) => {
    const handle = await session.orders.placeOrder(order, policy && { policy });
    const { orderId } = handle;
    if (options.watch) {
      const { followOrder } = await import('./watch.js');
      const { ordersDatabaseUrl } = services;
      const database = ordersDatabaseUrl === undefined ? {} : { ordersDatabaseUrl };
      await followOrder(session, { orderId, options, nextCommand, ...database });
      return;
    }
    if (options.wait || options.timeout !== undefined) {
      const result = await waitFor(() => handle.result(), {
        session,
        orderId,
        until: `until order ${orderId} is dispatched or cancelled`,
        options,
        nextCommand,
      });
      print(options, result, statusText({ view: result }));
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
