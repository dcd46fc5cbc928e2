import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import type { DataConverter } from '@temporalio/client';
import { z } from 'zod';
import { InvalidConfiguration } from '../domain/errors';

type PayloadCodecs = NonNullable<DataConverter['payloadCodecs']>;

const payloadCodecs = z.custom<PayloadCodecs>(
  (codecs) =>
    Array.isArray(codecs) &&
    codecs.every(
      (codec: Partial<PayloadCodecs[number]> | null) =>
        typeof codec?.encode === 'function' && typeof codec.decode === 'function',
    ),
);
const moduleSchema = z.union([
  z.object({
    dataConverter: z.custom<DataConverter>(
      (converter) =>
        z.object({ payloadCodecs: payloadCodecs.optional() }).safeParse(converter).success,
    ),
  }),
  z.object({ payloadCodecs }),
]);

/**
 * Loads the data converter that the payloads of a namespace are written with.
 *
 * @param path of a CommonJS module that exports `payloadCodecs` (an array of objects with `encode`
 * and `decode`) or a whole `dataConverter`; from the working directory where it is relative.
 * @throws {@link InvalidConfiguration} where it cannot be loaded, or exports neither.
 */
export function loadDataConverter(path: string): DataConverter {
  const file = resolve(path);
  let exported: unknown;
  try {
    exported = createRequire(file)(file);
  } catch (cause) {
    const [why] = String(cause instanceof Error ? cause.message : cause).split('\n');
    throw new InvalidConfiguration(`codec module ${path} cannot be loaded: ${why}`, { cause });
  }
  const parsed = moduleSchema.safeParse(exported);
  if (!parsed.success) {
    throw new InvalidConfiguration(
      `codec module ${path} must export payloadCodecs (an array of {encode, decode}) or dataConverter`,
    );
  }
  return 'dataConverter' in parsed.data ? parsed.data.dataConverter : parsed.data;
}
