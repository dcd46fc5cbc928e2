import { msToTs } from '@temporalio/common/lib/time';
import pino from 'pino';
import { SEARCH_ATTRIBUTES } from '../../domain/temporal-names';
import { openConnection } from '../../temporal/connection';
import {
  missingSearchAttributes,
  registerSearchAttributes,
} from '../../temporal/search-attributes';
import { checkWorkerPrerequisites } from '../../worker/worker-prerequisites';
import { errorLine, runCli } from '../run-cli';
import { createSurroundings, eventually, type Surroundings } from '../setup';

let surroundings: Surroundings;
let connection: Awaited<ReturnType<typeof openConnection>>;
beforeAll(async () => {
  surroundings = await createSurroundings();
  connection = await openConnection({ address: surroundings.stack.temporalAddress });
});
afterAll(async () => {
  await connection.close();
  await surroundings.remove();
});

test('a namespace without room for a search attribute: exit 2 with its name and type, and none is registered', async () => {
  const namespace = `${surroundings.namespace}-full`;
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: msToTs('1 day'),
  });
  // All that there may be of the type (10), before any of ours.
  const KEYWORD = 2;
  const names = Array.from({ length: 10 }, (_, index) => `theirs${index}`);
  await eventually(async () => {
    await connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(names.map((name) => [name, KEYWORD])),
    });
    return true;
  });
  const { temporalAddress } = surroundings.stack;
  const at = ['--address', temporalAddress, '--namespace', namespace];
  const result = await runCli(['setup', 'search-attributes', ...at]);
  expect(result).toMatchObject({ exitCode: 2, stdout: '' });
  const [keyword] = Object.entries(SEARCH_ATTRIBUTES).find(([, type]) => type === 'KEYWORD') ?? [];
  expect(errorLine(result)).toContain(`${keyword} (KEYWORD)`);
  expect(errorLine(result)).toContain('none of them was registered');
  expect(await missingSearchAttributes({ connection, namespace })).toEqual(
    Object.keys(SEARCH_ATTRIBUTES),
  );
});

test.each([
  ['permission denied', 7],
  ['unimplemented', 12],
])(
  'a server that does not list its search attributes (%s) is trusted by a worker, which warns; setup says which to register',
  async (details, code) => {
    const refused = Object.assign(new Error(details), { code, details, metadata: {} });
    const operatorService = { listSearchAttributes: () => Promise.reject(refused) };
    const { namespace, ordersDatabaseUrl } = surroundings;
    const cloud = { operatorService } as unknown as typeof connection;
    const said: string[] = [];
    const log = pino({}, { write: (line: string) => said.push(line) });
    await checkWorkerPrerequisites({ connection: cloud, namespace, ordersDatabaseUrl, log });
    expect(said.join('')).toContain('cannot tell whether the search attributes are there');
    await expect(registerSearchAttributes({ connection: cloud, namespace })).rejects.toThrow(
      new RegExp(`\\(${details}\\): register ${Object.keys(SEARCH_ATTRIBUTES)[0]}`),
    );
  },
);
