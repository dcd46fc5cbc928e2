import { Client } from 'pg';
import { connectionConfig } from '../../database/connection-config';
import { InvalidConfiguration } from '../../domain/errors';
import { readWorkerConfig } from '../../runtime/config';

const URL = 'postgresql://ana:secret@db.example/orders';
/** What the driver makes of it. */
const tlsOf = (url: string) => {
  const { config } = connectionConfig(url);
  const { ssl } = new Client(config) as unknown as { ssl: unknown };
  return ssl;
};

test.each(['schema', 'currentSchema', 'search_path'])(
  'a database URL with the parameter %s, which would be ignored, is refused',
  (parameter) => {
    const url = `${URL}?${parameter}=orders`;
    const refusal = new RegExp(`must not have the parameter ${parameter}`);
    expect(() => connectionConfig(url)).toThrow(InvalidConfiguration);
    expect(() => connectionConfig(url)).toThrow(refusal);
    const environment = { AMQP_URL: 'amqp://localhost', ORDERS_DATABASE_URL: url };
    expect(() => readWorkerConfig(environment)).toThrow(refusal);
  },
);

test('sslmode means what it means to libpq', () => {
  expect(tlsOf(URL)).toBe(false);
  expect(tlsOf(`${URL}?sslmode=disable`)).toBe(false);
  expect(tlsOf(`${URL}?sslmode=require`)).toEqual({ rejectUnauthorized: false });
  expect(tlsOf(`${URL}?sslmode=verify-full`)).toEqual({});
});

test('options of the URL are kept, and come after ours', () => {
  const { config } = connectionConfig(`${URL}?options=-c%20geqo%3Doff`);
  const { searchParams } = new globalThis.URL(config.connectionString ?? '');
  expect(searchParams.get('options')).toMatch(/^-c tcp_keepalives_idle=30 .* -c geqo=off$/);
});
