import { execFileSync, spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { bundleWorkflowCode } from '@temporalio/worker';

const ROOT = join(__dirname, '..', '..');

describe('package', () => {
  test('requiring the client loads neither amqplib, Prisma nor @temporalio/worker', () => {
    const script = `
      const { OrderDispatchClient } = require('order-dispatch');
      if (typeof OrderDispatchClient.connect !== 'function') throw new Error('no client');
      console.log(JSON.stringify(Object.keys(require.cache)));`;
    const loaded = execFileSync(process.execPath, ['-e', script], { cwd: ROOT, encoding: 'utf8' });
    expect(loaded).toContain('@temporalio/client');
    expect(loaded).not.toMatch(
      /node_modules\/(amqplib|@prisma|prisma|@temporalio\/(worker|core-bridge))\//,
    );
  });

  test('requiring the consumer of events loads neither Prisma, Temporal nor the worker', () => {
    const script = `
      const { consumeOutcomeEvents } = require('order-dispatch/events');
      if (typeof consumeOutcomeEvents !== 'function') throw new Error('no consumer');
      console.log(JSON.stringify(Object.keys(require.cache)));`;
    const loaded = execFileSync(process.execPath, ['-e', script], { cwd: ROOT, encoding: 'utf8' });
    expect(loaded).toContain('node_modules/amqplib');
    expect(loaded).not.toMatch(
      /node_modules\/(@temporalio|@grpc|@prisma|prisma|pg)\/|\/dist\/(worker|database|temporal)\//,
    );
  });

  test.each([['--help'], ['prune', '--help'], ['show', 'o 1']])(
    'the command line answers `%s %s` at once: it loads neither zod, Temporal, Prisma nor amqplib',
    (...typed) => {
      const script = `
        process.argv.push(...${JSON.stringify(typed.filter(Boolean))});
        process.on('exit', () => console.error(JSON.stringify(Object.keys(require.cache))));
        require('./dist/cli/main.js');`;
      const { stderr } = spawnSync(process.execPath, ['-e', script, '--'], {
        cwd: ROOT,
        encoding: 'utf8',
      });
      expect(stderr).toContain('node_modules/commander');
      expect(stderr).not.toMatch(
        /node_modules\/(zod|@temporalio|@grpc|@prisma|prisma|pg|amqplib|pino)\//,
      );
    },
  );

  test('the built command line is executable, whether or not npm has linked it', () => {
    expect(statSync(join(__dirname, '..', '..', 'dist', 'cli', 'main.js')).mode & 0o111).toBe(
      0o111,
    );
  });

  test('the worker can be required by its own name', () => {
    const script = `console.log(typeof require('order-dispatch/worker').createOrderDispatchWorker)`;
    const type = execFileSync(process.execPath, ['-e', script], { cwd: ROOT, encoding: 'utf8' });
    expect(type.trim()).toBe('function');
  });

  test('the workflows bundle: nothing that they import needs Node', async () => {
    const { code } = await bundleWorkflowCode({
      workflowsPath: join(ROOT, 'workflows', 'index.ts'),
      logger: { ...console, log: () => {}, trace: () => {}, debug: () => {}, info: () => {} },
    });
    expect(code).toContain('dispatchOrder');
    expect(code).not.toMatch(/node_modules\/(pino|amqplib|canonicalize|@prisma)\//);
  });

  test('the lint refuses what the import table forbids', () => {
    const forbidden = [
      ['domain/order.ts', "import '../runtime/logger';"],
      ['workflows/dispatch-order.ts', "import { createMainActivities } from '../activities';"],
      ['activities/submit-order.ts', "import '../database/dispatch/inbox';"],
      ['dispatch-system/answer.ts', "import '../database/orders/read-order';"],
      ['client/order-handle.ts', "import '../messaging/publisher';"],
      ['events/consume-outcome-events.ts', "import '../database/fault';"],
      ['domain/messages/withdrawal.ts', "import '../../runtime/logger';"],
      ['database/orders/read-order.ts', "import '../dispatch/inbox';"],
      ['temporal/start-workflows.ts', "import '../client/order-handle';"],
      ['worker/worker.ts', "import 'amqplib';"],
      ['api/server.ts', "import '../database/orders/audit';"],
      ['activities/submit-order.ts', "import '@prisma/client';"],
      ['database/migrate.ts', "import '@prisma/adapter-pg';"],
      ['test/rows.ts', "import '@prisma/adapter-pg';"],
      ['operations/health.ts', "import { Connection } from '@temporalio/client';"],
      ['console/main.tsx', "import { ORDER_STATUSES } from '../domain/status';"],
      ['client/order-handle.ts', 'process.env;'],
    ];
    // A process of its own: ESLint loads its configuration as an ES module, which Jest cannot.
    const script = `
      const { ESLint } = require('eslint');
      const { configs } = require('typescript-eslint');
      // Without the rules that need types, which take most of its time.
      const eslint = new ESLint({ overrideConfig: configs.disableTypeChecked });
      const rules = async ([filePath, code]) =>
        (await eslint.lintText(code, { filePath }))[0].messages.map(({ ruleId }) => ruleId);
      Promise.all(${JSON.stringify(forbidden)}.map(rules)).then((all) => console.log(JSON.stringify(all)));`;
    const output = execFileSync(process.execPath, ['-e', script], { cwd: ROOT, encoding: 'utf8' });
    const refused = (JSON.parse(output) as string[][]).map((rules) =>
      rules.some((rule) => /^architecture\/import-table$|^no-restricted-properties$/.test(rule)),
    );
    expect(refused).toEqual(forbidden.map(() => true));
  });
});
