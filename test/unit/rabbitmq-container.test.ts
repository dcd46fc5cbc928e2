import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'amqplib';
import { startRabbitmq } from '../../stack/servers/rabbitmq';
import { findDocker } from '../../stack/servers/rabbitmq-installation';
import { closeConnections } from '../../stack/servers/rabbitmqctl';
import { openScope } from '../../stack/supervision/scope';
import { patience } from '../patience';

jest.setTimeout(patience(30_000));

describe('RabbitMQ in a container', () => {
  // Whoever reads the report must see that this was not tried, so it is neither passed nor hidden.
  if (!dockerAnswers()) {
    test.todo(
      'keeps its data over a restart, and goes with its scope: no Docker daemon to try it on',
    );
    return;
  }

  test('keeps its data over a restart, and goes with its scope', async () => {
    const local = mkdtempSync(join(tmpdir(), 'rabbitmq-container-test-'));
    const scope = openScope(local);
    try {
      const installation = await findDocker();
      if (!installation) throw new Error('Docker has gone');
      const broker = await startRabbitmq({ scope, installation });
      await broker.createVhost('kept');
      await publish(broker.url('kept'));
      await broker.stop();
      await broker.start();
      expect(await countMessages(broker.url('kept'))).toBe(1);
      await broker.kill();
      await broker.start();
      expect(await countMessages(broker.url('kept'))).toBe(1);
      await closeConnections(broker.rabbitmqctl, 'kept');
    } finally {
      await scope.end();
      rmSync(local, { recursive: true });
    }
    const containers = ['ps', '--all', '--quiet', '--filter', `name=${scope.id.toLowerCase()}`];
    expect(execFileSync('docker', containers, { encoding: 'utf8' })).toBe('');
  });
});

function dockerAnswers(): boolean {
  try {
    execFileSync('docker', ['info'], { stdio: 'ignore', timeout: patience(250) });
    return true;
  } catch {
    return false;
  }
}

async function publish(amqpUrl: string): Promise<void> {
  const connection = await connect(amqpUrl);
  const channel = await connection.createConfirmChannel();
  await channel.assertQueue('orders', { durable: true });
  channel.sendToQueue('orders', Buffer.from('an order'), { persistent: true });
  await channel.waitForConfirms();
  await connection.close();
}

async function countMessages(amqpUrl: string): Promise<number> {
  const connection = await connect(amqpUrl);
  const channel = await connection.createChannel();
  const { messageCount } = await channel.checkQueue('orders');
  await connection.close();
  return messageCount;
}
