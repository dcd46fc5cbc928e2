import { z } from 'zod';
import { StackError } from './stack-error';

/** Services of the user's own, which the stack then neither starts nor stops. */
export interface GivenServices {
  temporal?: { address: string; namespace: string };
  amqpUrl?: string;
  databases?: { orders: string; dispatch: string };
}

const environment = z.object({
  TEMPORAL_ADDRESS: z.string().optional(),
  TEMPORAL_NAMESPACE: z.string().default('default'),
  AMQP_URL: z.url({ protocol: /^amqps?$/ }).optional(),
  ORDERS_DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }).optional(),
  DISPATCH_DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }).optional(),
});

/**
 * The services named by the environment.
 *
 * @throws {StackError} that names the variable which is wrong or missing.
 */
export function givenServices(env: Readonly<Record<string, string | undefined>>): GivenServices {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const { data, error } = environment.safeParse(set);
  if (error) throw new StackError(z.prettifyError(error));
  const { ORDERS_DATABASE_URL: orders, DISPATCH_DATABASE_URL: dispatch } = data;
  if ((orders === undefined) !== (dispatch === undefined)) {
    throw new StackError('ORDERS_DATABASE_URL and DISPATCH_DATABASE_URL: set both, or neither');
  }
  return {
    ...(data.TEMPORAL_ADDRESS !== undefined && {
      temporal: { address: data.TEMPORAL_ADDRESS, namespace: data.TEMPORAL_NAMESPACE },
    }),
    ...(data.AMQP_URL !== undefined && { amqpUrl: data.AMQP_URL }),
    ...(orders !== undefined && dispatch !== undefined && { databases: { orders, dispatch } }),
  };
}
