import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '@temporalio/client';
import { openConnection } from '../temporal/connection';
import { startContestantProcess } from './contestant-process';
import { CONTESTANTS, type ContestantName } from './contestants';
import { checkDispatchedOnce } from './measure/check';
import { readCounts, readHistories, type Counts, type HistoryCounts } from './measure/counts';
import { readCpuMs } from './measure/cpu';
import { latenciesOf, type Latencies } from './measure/spread';
import type { Servers, Surroundings } from './servers';

/** What one batch of orders took. */
export interface Measurement {
  ordersPerSecond: number;
  latencyMs: Latencies;
  /** By process. */
  cpuMsPerOrder: Record<string, number>;
}

/** What one order costs, as the servers counted it. */
export interface CostPerOrder extends Partial<HistoryCounts> {
  sqlStatements: number;
  amqpPublishes: number;
  /** By the name of the call, without polls; absent where Temporal was given. */
  temporalCalls?: Record<string, number>;
}

/** How long what is left to do after an order's result may take (acks, evictions), in ms. */
const AFTERMATH_MS = 300;

/**
 * Orders before each measurement that do not count: the pools close connections that were idle while
 * the others had their turn, and opening one costs PostgreSQL as much as ten orders.
 */
const LEAD_IN_ORDERS = 40;

/** A contestant that is up, with all its processes, on surroundings of its own. */
export class RunningContestant {
  /** How many orders it was given so far. */
  placed = 0;

  private constructor(
    readonly name: ContestantName,
    readonly surroundings: Surroundings,
    private readonly given: {
      servers: Servers;
      pids: Record<string, number>;
      process: Awaited<ReturnType<typeof startContestantProcess>>;
      before: Counts;
      stopProcesses: () => Promise<unknown>;
    },
  ) {}

  /** Brings it up. `place` names its surroundings, where the contestant's own name is taken. */
  static async start(
    servers: Servers,
    name: ContestantName,
    place: string = name,
  ): Promise<RunningContestant> {
    const { processes, role } = CONTESTANTS[name];
    const surroundings = await servers.createSurroundings(place);
    const started = await Promise.all(
      processes.map(
        async (process) =>
          [process.replace('-', ' '), await servers.startProcess(process, surroundings)] as const,
      ),
    );
    const process = await startContestantProcess(servers, name, surroundings);
    const pids = {
      [role]: process.pid,
      ...Object.fromEntries(started.map(([title, { pid }]) => [title, pid])),
      ...servers.pids,
    };
    const before = await readCounts(servers, surroundings);
    const stopProcesses = () => Promise.all(started.map(([, running]) => running.stop('SIGTERM')));
    return new RunningContestant(name, surroundings, {
      servers,
      pids,
      process,
      before,
      stopProcesses,
    });
  }

  /**
   * Places orders, measures, and checks the result.
   *
   * @throws WrongResult where an order was not dispatched exactly once.
   */
  async measure(options: { orders: number; inFlight: number }): Promise<Measurement> {
    const { orders, inFlight } = options;
    const { pids, process } = this.given;
    const leadIn = this.nextOrderIds(Math.min(LEAD_IN_ORDERS, inFlight));
    await process.run({ orderIds: leadIn, inFlight });
    const orderIds = this.nextOrderIds(orders);
    const cpuBefore = readCpuMs(pids);
    const { elapsedMs, latenciesMs } = await process.run({ orderIds, inFlight });
    await sleep(AFTERMATH_MS);
    const cpuAfter = readCpuMs(pids);
    if (CONTESTANTS[this.name].dispatches) {
      await checkDispatchedOnce(this.surroundings, [...leadIn, ...orderIds]);
    }
    return {
      ordersPerSecond: (orders / elapsedMs) * 1000,
      latencyMs: latenciesOf(latenciesMs),
      cpuMsPerOrder: Object.fromEntries(
        Object.entries(cpuAfter).map(([title, ms]) => [
          title,
          (ms - (cpuBefore[title] ?? 0)) / orders,
        ]),
      ),
    };
  }

  /** What an order cost, over all that were placed so far. RabbitMQ's counts are seconds late. */
  async costPerOrder(): Promise<CostPerOrder> {
    const { servers, before } = this.given;
    const after = await readCounts(servers, this.surroundings);
    const each = (count: number) => count / this.placed;
    const calls = Object.entries(after.temporalCalls ?? {}).map(
      ([call, count]) => [call, each(count - (before.temporalCalls?.[call] ?? 0))] as const,
    );
    return {
      ...(await this.histories()),
      sqlStatements: each(after.sqlStatements - before.sqlStatements),
      amqpPublishes: each(after.amqpPublishes - before.amqpPublishes),
      ...(after.temporalCalls && { temporalCalls: Object.fromEntries(calls) }),
    };
  }

  /** Ends all its processes. */
  async close(): Promise<void> {
    await this.given.process.close();
    await this.given.stopProcesses();
  }

  private nextOrderIds(count: number): string[] {
    return Array.from({ length: count }, () => `${this.name}-${(this.placed += 1)}`);
  }

  private async histories(): Promise<HistoryCounts | undefined> {
    const { temporalAddress, namespace } = this.surroundings;
    const connection = await openConnection({ address: temporalAddress });
    try {
      return await readHistories(new Client({ connection, namespace }));
    } finally {
      await connection.close();
    }
  }
}
