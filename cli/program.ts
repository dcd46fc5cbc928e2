import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { packageRoot } from '../runtime/package-root';
import { addAuditCommand } from './audit';
import { addBulkCommands } from './bulk';
import { addCancelCommand } from './cancel';
import { addDeadLettersCommands } from './dead-letters';
import { addDoctorCommand } from './doctor';
import { addEraseCommand } from './erase';
import { oneLine } from './exit';
import { COLUMNS, say } from './output';
import { addHealthCommand } from './health';
import { addHoldCommands } from './hold';
import { addPlaceCommand } from './place';
import { addPruneCommand } from './prune';
import { addReconcileCommand } from './reconcile';
import { addRepairsCommands } from './repairs';
import { addSetupCommands } from './setup';
import { addShowCommand } from './show';
import { addSweepCommand } from './sweep';
import { withTargetOptions } from './target-options';
import { addListCommand } from './list';
import { addTimelineCommand } from './timeline';
import { addWatchCommand } from './watch';
import { addWhyCommand } from './why';
import { addTasksCommands } from './tasks';
import { asTyped, overLines } from './typed-command';

const HELP = `
Exit codes:
  0  done
  1  refused: the order, or its human task, is not in a state that allows it (an
     order ID that is taken, no open task, too late to cancel, a workflow that
     was ended), or \`place --wait\`, \`place --watch\` or \`watch\` ended
     \`cancelled\`
  2  usage: the command line, a file or a setting is not valid; nothing was done
  3  unreachable: Temporal, a worker, a database or the broker does not answer,
     or --timeout is over; safe to repeat

Target:
  The options win over the environment: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE,
  TEMPORAL_API_KEY, TEMPORAL_TLS, TEMPORAL_TLS_CLIENT_CERT_PATH,
  TEMPORAL_TLS_CLIENT_KEY_PATH and ORDER_DISPATCH_CODEC_MODULE;
  ORDERS_DATABASE_URL, DISPATCH_DATABASE_URL and AMQP_URL.
  With neither, commands go to the local stack that \`npm run up\` runs for this
  clone. All services are the environment's or all are the local stack's: where
  these differ, --from says which.

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
    .configureHelp({ showGlobalOptions: true, helpWidth: COLUMNS })
    .configureOutput({
      writeOut: (text) => process.stdout.write(withinColumns(asTyped(text))),
      writeErr: (text) => process.stderr.write(withinColumns(asTyped(text))),
      outputError: (message) => say(oneLine(message)),
    })
    .exitOverride();
  withTargetOptions(program);
  addPlaceCommand(program);
  addShowCommand(program);
  addWhyCommand(program);
  addTimelineCommand(program);
  addWatchCommand(program);
  addListCommand(program);
  addCancelCommand(program);
  addReconcileCommand(program);
  addSweepCommand(program);
  addTasksCommands(program);
  addBulkCommands(program);
  addDeadLettersCommands(program);
  addRepairsCommands(program);
  addPruneCommand(program);
  addEraseCommand(program);
  addAuditCommand(program);
  addHealthCommand(program);
  addHoldCommands(program);
  addDoctorCommand(program);
  addSetupCommands(program);
  return program;
}

/** Examples that are too long go on in the next line, so that they still can be pasted. */
function withinColumns(help: string): string {
  return help.replace(/^ {2}\$ (.{77,})$/gm, (_, example: string) =>
    overLines(example, COLUMNS - 4)
      .replace(/^/gm, '    ')
      .replace('    ', '  $ '),
  );
}

function readVersion(): string {
  const manifest = readFileSync(join(packageRoot(), 'package.json'), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
