import { execFile } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { transform } from '@swc/core';
import type { Command } from 'commander';
import type { z } from 'zod';
import { createProgram } from '../../cli/program';
import { EXCHANGES, QUEUES } from '../../domain/amqp-names';
import { GUIDANCE } from '../../domain/guidance';
import { acknowledgementSchema } from '../../domain/messages/acknowledgement';
import { dispatchRequestSchema } from '../../domain/messages/dispatch-request';
import { withdrawalSchema } from '../../domain/messages/withdrawal';
import { HEALTH_CHECKED_TYPE, healthCheckedSchema } from '../../domain/messages/health-checked';
import { OUTCOME_EVENT_BODIES, OUTCOME_EVENT_TYPES } from '../../domain/outcome-events';
import { parseOrder } from '../../domain/order';
import { DEFAULT_POLICY } from '../../domain/policy';
import { ESCALATION_REASONS } from '../../domain/status';
import { readApiConfig } from '../../runtime/api-config';
import {
  readInstallationConfig,
  readDispatchSystemConfig,
  readSupplementConfig,
  readWorkerConfig,
} from '../../runtime/config';
import { openScope } from '../../stack/supervision/scope';
import { findTemporalCli } from '../../stack/servers/temporal-cli';
import { compile } from '../compiler';
import {
  DOCUMENTS,
  ROOT,
  anchorsOf,
  blocksOf,
  codeSpansOf,
  linksOf,
  proseOf,
  readDocument,
  tableRows,
} from '../markdown';
import { patience } from '../patience';
import { startProcess } from '../processes';
import { copyPackage, createFolder, runCli } from '../run-cli';
import { eventually, inTurn, newOrder, openTask, setup, type TestBed } from '../setup';

const CONFIGURATION = 'docs/configuration.md';
const DISPATCH_SYSTEM = 'docs/dispatch-system.md';

/** What a document's shell blocks say, a command each. */
function commandsOf(path: string): string[] {
  return blocksOf([path], 'sh').flatMap(({ code }) =>
    code
      .replace(/\\\n\s*/g, '')
      .split('\n')
      .filter((line) => line !== ''),
  );
}

describe('the documents', () => {
  test('README.md has at most 160 lines, ARCHITECTURE.md at most 31,000 bytes', () => {
    expect(readDocument('README.md').trimEnd().split('\n').length).toBeLessThanOrEqual(160);
    expect(Buffer.byteLength(readDocument('ARCHITECTURE.md'))).toBeLessThanOrEqual(31_000);
  });

  test.each(DOCUMENTS)('every relative link of %s leads somewhere', (path) => {
    const broken = linksOf(path).filter((link) => {
      if (/^https?:/.test(link)) return false;
      const [file = '', anchor] = link.split('#');
      const target = file === '' ? path : join(dirname(path), file);
      if (!existsSync(join(ROOT, target))) return true;
      return anchor !== undefined && !anchorsOf(target).includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  test('every test that is quoted beside a link is in the linked file', () => {
    const missing = ['README.md', 'ARCHITECTURE.md'].flatMap((path) =>
      [...proseOf(path).matchAll(/\]\((test\/[^)]+)\)([^[\n]*)/g)].flatMap(
        ([, file = '', after = '']) => {
          const source = existsSync(join(ROOT, file)) ? readDocument(file) : '';
          const quoted = [...after.matchAll(/"([^"]+)"/g)].map(([, title = '']) => title);
          return quoted
            .filter((title) => !source.includes(title))
            .map((title) => `${file}: ${title}`);
        },
      ),
    );
    expect(missing).toEqual([]);
  });

  test('the code map names every folder, and no other', () => {
    const folders = readdirSync(ROOT, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !/^(\.|node_modules$|dist$)/.test(entry.name))
      .map(({ name }) => name);
    const [, map = ''] =
      /^## Code map\n([\s\S]*?)^## /m.exec(readDocument('ARCHITECTURE.md')) ?? [];
    const named = [...map.matchAll(/^- `([\w-]+)\/`/gm)].map(([, folder]) => folder);
    expect(named.sort()).toEqual(folders.sort());
  });

  test('every `npm run` that is named is a script of the package', () => {
    const { scripts } = JSON.parse(readDocument('package.json')) as { scripts: object };
    const named = DOCUMENTS.flatMap((path) => [
      ...readDocument(path).matchAll(/\bnpm (?:run )?([a-z][\w:-]*)/g),
    ]).flatMap(([whole, name = '']) => (/^npm (run |test)/.test(whole) ? [name] : []));
    expect(named).toContain('demo');
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });

  test('every command of ours that is named exists, with its options', () => {
    const spans = DOCUMENTS.flatMap((path) => [...codeSpansOf(path), ...commandsOf(path)]);
    const ours = spans.filter((span) => /^(npx )?order-dispatch [a-z]/.test(span));
    expect(ours.length).toBeGreaterThan(10);
    expect(ours.flatMap(whatIsUnknown)).toEqual([]);
  });

  test('the table of escalation reasons has what the guidance says', () => {
    const plain = (text: string) => text.replaceAll('`', '');
    expect(tableRows('docs/operating.md', { firstHeader: 'escalation reason' })).toEqual(
      ESCALATION_REASONS.map((reason) => {
        const { means, checkFirst, usualDecision } = GUIDANCE[reason];
        return [reason, plain(means), plain(checkFirst), plain(usualDecision)];
      }),
    );
  });

  test('the table of commands has every command, and no other', () => {
    const named = tableRows('docs/operating.md', { firstHeader: 'command' }).map(([name]) => name);
    const leaves = (command: Command, path: string[]): string[] =>
      command.commands.length === 0
        ? [path.join(' ')]
        : command.commands.flatMap((sub) => leaves(sub, [...path, sub.name()]));
    expect(named.toSorted()).toEqual(leaves(createProgram(), []).toSorted());
  });
});

/** Words of a command line that our program does not know: a command, or an option. */
function whatIsUnknown(line: string): string[] {
  const [, ...words] = line.replace(/^npx /, '').split(' ');
  let command: Command = createProgram();
  const known = command.options.map(({ long }) => long);
  for (const word of words) {
    const sub = command.commands.find((each) => each.name() === word);
    if (!sub) break;
    command = sub;
    known.push('--help', ...sub.options.map(({ long }) => long));
  }
  const isWhole = command.commands.length === 0;
  const unknown = words.filter((word) => word.startsWith('--') && !known.includes(word));
  return isWhole && unknown.length === 0
    ? []
    : [`${line}: ${unknown.join(' ') || 'no such command'}`];
}

describe('configuration', () => {
  test('the tables have every variable that a process or a command reads, and no other', () => {
    const read = new Set<string>();
    const environment = new Proxy<Record<string, undefined>>(
      {},
      {
        get: (_, name) => void read.add(String(name)),
        has: (_, name) => Boolean(read.add(String(name))),
      },
    );
    for (const reader of [
      readWorkerConfig,
      readDispatchSystemConfig,
      readSupplementConfig,
      readInstallationConfig,
      readApiConfig,
    ]) {
      try {
        reader(environment);
      } catch {
        // What is needed is not set.
      }
    }
    const variables = [...read].filter((name) => /^[A-Z_]+$/.test(name));
    const ofStack = tableRows(CONFIGURATION, { heading: 'The local stack' }).map(([name]) => name);
    const named = tableRows(CONFIGURATION, { firstHeader: 'variable' }).map(([name]) => name);
    expect(named.filter((name) => !ofStack.includes(name)).toSorted()).toEqual(
      variables.toSorted(),
    );

    const sources = ['stack', 'scripts', 'demo']
      .map((folder) => join(ROOT, folder))
      .filter((folder) => existsSync(folder))
      .flatMap((folder) =>
        readdirSync(folder, { recursive: true, encoding: 'utf8' })
          .filter((file) => /\.m?ts$/.test(file))
          .map((file) => readFileSync(join(folder, file), 'utf8')),
      )
      .join('\n');
    for (const name of ofStack) expect(sources).toContain(`process.env['${name}']`);
  });

  test('the policy has every field, with its default', () => {
    const rows = tableRows(CONFIGURATION, { firstHeader: 'field' });
    const named = Object.fromEntries(rows.map(([field = '', value = '']) => [field, value]));
    expect(named).toEqual(
      Object.fromEntries(
        Object.entries(DEFAULT_POLICY).map(([field, value]) => [field, String(value)]),
      ),
    );
  });
});

describe('the message contract', () => {
  const fieldsOf = (shape: Record<string, z.ZodType>) =>
    Object.entries(shape).map(
      ([field, schema]) => `${field}${schema.safeParse(undefined).success ? '?' : ''}`,
    );
  test.each([
    ['A request', dispatchRequestSchema.shape],
    ['A withdrawal', withdrawalSchema.shape],
    ['The answer', acknowledgementSchema.shape],
  ])('%s has every field, and no other', (heading, shape) => {
    const named = tableRows(DISPATCH_SYSTEM, { heading, firstHeader: 'field' });
    expect(named.map(([field]) => field)).toEqual(fieldsOf(shape));
  });

  test.each([
    ...OUTCOME_EVENT_TYPES.map((type) => [type, OUTCOME_EVENT_BODIES[type].shape] as const),
    [HEALTH_CHECKED_TYPE, healthCheckedSchema.shape] as const,
  ])('%s has every field, and no other', (heading, shape) => {
    const named = tableRows('docs/events.md', { heading, firstHeader: 'field' });
    expect(named.map(([field]) => field)).toEqual(fieldsOf(shape));
  });

  test('its names are those of the code, and its order is valid', () => {
    const exchanges = tableRows(DISPATCH_SYSTEM, { firstHeader: 'exchange' });
    expect(exchanges.map(([name]) => name)).toEqual(Object.values(EXCHANGES));
    const queues = tableRows(DISPATCH_SYSTEM, { firstHeader: 'queue' }).map(([name]) => name);
    expect(queues).toEqual(expect.arrayContaining(Object.values(QUEUES)));
    for (const { code } of blocksOf([DISPATCH_SYSTEM], 'json')) parseOrder(JSON.parse(code));
  });

  test('what is shown of the example in Python is in it, word for word', () => {
    const example = readDocument('docs/examples/dispatch_system.py');
    const shown = ['python', 'sql'].flatMap((language) => blocksOf([DISPATCH_SYSTEM], language));
    expect(shown).toHaveLength(2);
    for (const { code } of shown) expect(example).toContain(code);
  });
});

describe('the code', () => {
  /** What the blocks take as given. */
  const PREAMBLE = `
    declare const order: import('order-dispatch').Order;
    declare const amqpUrl: string;
    declare const ordersDatabaseUrl: string;`;
  const blocks = blocksOf(DOCUMENTS, 'ts');
  const fileOf = ({ path, line }: { path: string; line: number }) =>
    `${path.replaceAll('/', '-')}-line-${line}.ts`;
  /** A table's first column as an object that must have exactly the options of a type. */
  const holds = (heading: string, type: string, module: string, document = CONFIGURATION) => {
    const names = tableRows(document, { heading, firstHeader: 'option' });
    const fields = names.map(([name]) => `${name}: true`).join(', ');
    return `import type { ${type} } from '${module}';
      export const documented: Record<keyof ${type}, true> = { ${fields} };`;
  };
  const tables = {
    'worker-options.ts': holds(
      'Options of the worker',
      'OrderDispatchWorkerOptions',
      'order-dispatch/worker',
    ),
    'sdk-options.ts': holds('Options of the SDK', 'ConnectOptions', 'order-dispatch'),
    'event-options.ts': holds(
      'Consuming them',
      'ConsumeOutcomeEventsOptions',
      'order-dispatch/events',
      'docs/events.md',
    ),
  };

  let folder: Awaited<ReturnType<typeof createFolder>>;
  let problems: Awaited<ReturnType<typeof compile>>;
  const problemsIn = (name: string) => problems.filter(({ file }) => file === name);
  beforeAll(async () => {
    // A package that depends on ours, as a reader would have it.
    folder = await createFolder();
    const modules = join(folder.path, 'node_modules');
    await mkdir(modules);
    await symlink(ROOT, join(modules, 'order-dispatch'));
    for (const name of ['@temporalio', '@types']) {
      await symlink(join(ROOT, 'node_modules', name), join(modules, name));
    }
    const files: Record<string, string> = {
      'package.json': '{ "type": "module" }',
      'preamble.d.ts': PREAMBLE,
      ...Object.fromEntries(blocks.map((block) => [fileOf(block), block.code])),
      ...tables,
    };
    for (const [name, text] of Object.entries(files))
      await writeFile(join(folder.path, name), text);
    const sources = Object.keys(files).filter((name) => name.endsWith('.ts'));
    problems = await compile(folder.path, sources, ['--module', 'nodenext', '--skipLibCheck']);
  });
  afterAll(() => folder.remove());

  test.each(blocks.map((block) => [`${block.path}, line ${block.line}`, block] as const))(
    '%s compiles against the package',
    (_, block) => {
      expect(problemsIn(fileOf(block))).toEqual([]);
    },
  );

  test.each(Object.keys(tables))('the table of %s has every option, and no other', (name) => {
    expect(problemsIn(name)).toEqual([]);
  });

  test('the codec decodes what it encodes, and what was written before it', async () => {
    const block = blocks.find(({ code }) => code.includes('payloadCodecs'));
    const { code } = await transform(block?.code ?? '', {
      jsc: { parser: { syntax: 'typescript' }, target: 'es2023' },
      module: { type: 'commonjs' },
    });
    const file = join(folder.path, 'codec.cjs');
    await writeFile(file, code);
    const script = `
      const { payloadCodecs: [codec] } = require('./codec.cjs');
      const text = (payload) => Buffer.from(payload.data).toString();
      const plain = { metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from('"x"') };
      codec.encode([plain]).then(async (secret) => {
        const back = await codec.decode([...secret, plain]);
        console.log(JSON.stringify([text(secret[0]).includes('"x"'), ...back.map(text)]));
      });`;
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', script], {
      cwd: folder.path,
      env: { PAYLOAD_KEY: Buffer.alloc(32, 7).toString('base64') },
    });
    expect(JSON.parse(stdout)).toEqual([false, '"x"', '"x"']);
  });
});

describe('the shell commands', () => {
  let bed: TestBed;
  let folder: Awaited<ReturnType<typeof createFolder>>;
  let environment: Record<string, string>;
  beforeAll(async () => {
    const timeouts = { quickWindowMs: 0, acknowledgementTimeoutMs: patience(30) };
    const policy = { ...timeouts, maximumAttempts: 1 };
    [bed, folder] = await Promise.all([setup({ policy }), createFolder()]);
    await bed.startSupplementSystem({ graceMs: 60_000 });
    // The orders that the documents speak of: two that wait for a person, and one in order.
    for (const orderId of ['o-1001', 'o-1002']) {
      // Whatever is asked again is answered: a release tries with it.
      bed.script(
        orderId,
        inTurn({ kind: 'staySilent' }, { kind: 'accept', courierId: 'courier-7' }),
      );
      await openTask(await bed.client.placeOrder(newOrder({ orderId, customerId: 'c-8' })));
    }
    await (await bed.client.placeOrder(newOrder({ orderId: 'o-1003' }))).result();
    environment = {
      PATH: `${await programs()}:${process.env['PATH']}`,
      // Where Temporal's command line looks for its settings.
      HOME: folder.path,
      TEMPORAL_ADDRESS: bed.stack.temporalAddress,
      TEMPORAL_NAMESPACE: bed.namespace,
      AMQP_URL: bed.amqpUrl,
      ORDERS_DATABASE_URL: bed.ordersDatabaseUrl,
      DISPATCH_DATABASE_URL: bed.dispatchDatabaseUrl,
    };
  });
  afterAll(async () => {
    await bed.close();
    await folder.remove();
  });

  /** Temporal's CLI, and the package where no local stack of this clone is in sight. */
  const programs = async () => {
    const bin = join(folder.path, 'bin');
    await mkdir(bin);
    await copyPackage(folder.path);
    const scope = openScope(join(ROOT, '.local'));
    const { path } = await findTemporalCli(scope, () => {});
    await scope.end();
    await symlink(resolve(path), join(bin, 'temporal'));
    return bin;
  };

  // Those of npm start whole stacks: that they are scripts is tested above, and CI runs them.
  test.each(
    ['README.md', 'docs/operating.md'].flatMap((path) =>
      commandsOf(path)
        .filter((command) => !/^npm (run|test)\b/.test(command))
        .map((command) => [path, command] as const),
    ),
  )('%s: %s', async (_, command) => {
    const [, name] = /^node dist\/([\w-]+)\/main\.js$/.exec(command) ?? [];
    if (name !== undefined) {
      // A local stack of another test may have the API's own port.
      const ours = startProcess(name as Parameters<typeof startProcess>[0], bed, { API_PORT: '0' });
      try {
        await ours.ready;
        ours.kill('SIGTERM');
        expect(await ours.exited).toEqual({ code: 0, signal: null });
      } finally {
        ours.kill('SIGKILL');
      }
      return;
    }
    const inFolder = { cwd: folder.path, env: environment };
    const sh = (script: string) => promisify(execFile)('sh', ['-e', '-c', script], inFolder);
    if (command.startsWith('temporal ')) {
      await sh(command);
      return;
    }
    // The words that the shell makes of it, without the file that its output goes to.
    const [, line = '', file] = /^(.*?)(?: > (\S+))?$/s.exec(command) ?? [];
    const words = (await sh(`npx() { printf '%s\\0' "$@"; }\n${line}`)).stdout.split('\0');
    const [program, ...args] = words.slice(0, -1);
    expect(program).toBe('order-dispatch');
    const { path } = folder;
    const ended = await runCli(args, { package: path, directory: path, environment });
    expect(ended).toMatchObject({ exitCode: 0 });
    if (file !== undefined) await writeFile(join(path, file), ended.stdout);
  });

  test('the signal of Temporal’s own command line resolved its task', async () => {
    const orderId = 'o-1002';
    await eventually(async () => {
      const row = await bed.orders.order.findUniqueOrThrow({ where: { orderId } });
      return row.decision === 'retry' && row.decidedBy === 'mia';
    });
  });
});
