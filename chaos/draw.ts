import { createHash } from 'node:crypto';

/**
 * A number from 0 to below 1 that depends on the seed and the key alone: whatever a run meets, one with the
 * same seed wants the same of each order and of each fault.
 */
export function draw(seed: number, ...key: (string | number)[]): number {
  const digest = createHash('sha256')
    .update([seed, ...key].join('/'))
    .digest();
  return digest.readUIntBE(0, 6) / 2 ** 48;
}

/** One of the items, by a number from 0 to below 1. */
export function pick<Item>(items: readonly [Item, ...Item[]], at: number): Item {
  return items[Math.floor(at * items.length)] ?? items[0];
}

/** The items in an order of the seed's. */
export function shuffled<Item>(items: readonly Item[], seed: number, key: string): Item[] {
  return items
    .map((item, index) => ({ item, at: draw(seed, key, index) }))
    .sort((one, other) => one.at - other.at)
    .map(({ item }) => item);
}
