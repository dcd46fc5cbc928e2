import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { packageRoot } from '../runtime/package-root';
import { addCancelCommand } from './cancel';
import { addDeadLettersCommands } from './dead-letters';
import { addEraseCommand } from './erase';
import { oneLine } from './exit';
import { addPlaceCommand } from './place';
import { addPruneCommand } from './prune';
import { addReconcileCommand } from './reconcile';
import { addRepairsCommands } from './repairs';
import { addSetupCommands } from './setup';
import { addShowCommand } from './show';
import { addSweepCommand } from './sweep';
import { withTargetOptions } from './target-options';
import { addTasksCommands } from './tasks';
import { asTyped } from './typed-command';

const HELP = `
Exit codes:
  0  done
  1  refused: the order, or its human task, is not in a state that allows it (an order ID that is
     taken, no open task, too late to cancel), or the result of \`place --wait\` is \`cancelled\`
  2  usage: the command line, a file or a setting is not valid; nothing was done
  3  unreachable: Temporal, a worker, a database or the broker does not answer, or --timeout is over;
     safe to repeat

Target:
  The options win over the environment: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY,
  TEMPORAL_TLS, TEMPORAL_TLS_CLIENT_CERT_PATH, TEMPORAL_TLS_CLIENT_KEY_PATH and
  ORDER_DISPATCH_CODEC_MODULE; ORDERS_DATABASE_URL, DISPATCH_DATABASE_URL and AMQP_URL.
  With neither, commands go to the local stack that \`npm run up\` runs for this clone. All services
  are the environment's or all are the local stack's: where these differ, --from says which.

Examples:
  $ order-dispatch place --example > order.json
  $ order-dispatch place --file order.json --wait
  $ order-dispatch tasks list`;

/** The command line: every command with its options, its help and its action. */
export function createProgram(): Command {
  const program = new Command('order-dispatch')
    .description(
      'Dispatches orders: places them, shows where they stand, cancels them, and resolves the human tasks of those that need a person.',
    )
    .version(readVersion(), '--version', 'print the version')
    .option('--json', 'print the result as JSON on stdout; everything else goes to stderr')
    .addHelpText('after', HELP)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => process.stdout.write(asTyped(text)),
      outputError: (message, write) => write(`${oneLine(message)}\n`),
    })
    .exitOverride();
  withTargetOptions(program);
  addPlaceCommand(program);
  addShowCommand(program);
  addCancelCommand(program);
  addReconcileCommand(program);
  addSweepCommand(program);
  addTasksCommands(program);
  addDeadLettersCommands(program);
  addRepairsCommands(program);
  addPruneCommand(program);
  addEraseCommand(program);
  addSetupCommands(program);
  return program;
}

function readVersion(): string {
  const manifest = readFileSync(join(packageRoot(), 'package.json'), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
