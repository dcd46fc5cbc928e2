import type { Command } from 'commander';
import type { Diagnosis } from '../operations/doctor';
import { EXIT } from './exit';
import { chooseTarget } from './open-services';
import { colours, print, wrapped, type OutputOptions } from './output';
import type { TargetOptions } from './target-options';

const HELP = `
Before a deploy, or when nothing works: can everything be reached, with enough
permissions; are search attributes, schedules, migrations, queues and bindings
there; are the clocks the same. Changes nothing, and names what mends each
failure. Bindings and alarms need RABBITMQ_MANAGEMENT_URL.

Exits with 1 where something failed.

Example:
  $ order-dispatch doctor
  $ order-dispatch doctor --json | jq -r '.[] | select(.state == "failed") | .mend'`;

/** `doctor`: whether all that the service stands on is there. */
export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('Look whether all that the service stands on is there, and say what mends it.')
    .addHelpText('after', HELP)
    .action((_, command: Command) => doctor(command.optsWithGlobals()));
}

async function doctor(options: TargetOptions & OutputOptions): Promise<void> {
  const { services } = await chooseTarget(options, {
    needs: [],
    mayUse: ['temporal', 'ordersDatabaseUrl', 'dispatchDatabaseUrl', 'amqpUrl'],
    mayRead: ['rabbitmqManagementUrl'],
  });
  const { temporal, ...urls } = services;
  const { examine } = await import('../operations/doctor.js');
  const { loadDataConverter } = await import('../temporal/codec-module.js');
  const diagnoses = await examine({
    ...urls,
    ...(temporal && {
      temporal: {
        access: temporal.access,
        ...(temporal.codecModule !== undefined && {
          dataConverter: loadDataConverter(temporal.codecModule),
        }),
      },
    }),
  });
  print(options, diagnoses, diagnoses.map(text).join('\n'));
  if (diagnoses.some(({ state }) => state === 'failed')) process.exitCode = EXIT.refused;
}

const MARKS: Readonly<Record<Diagnosis['state'], string>> = {
  ok: colours.green('ok     '),
  warning: colours.yellow('warning'),
  failed: colours.red('FAILED '),
  notChecked: '-      ',
};

function text({ what, state, says, mend }: Diagnosis): string {
  const line = `${MARKS[state]}  ${what}: ${says}`;
  return mend === undefined ? line : `${line}\n${wrapped(mend, '           ')}`;
}
