import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { z } from 'zod';
import { InvalidConfiguration } from '../domain/errors';
import { ROLES, type Role } from '../domain/role';

/** What a token's name looks like: it is a part of the token, and the actor in the audit. */
export const TOKEN_NAME_PATTERN = /^[A-Za-z0-9._-]{1,64}$/;

const HASH_PATTERN = /^scrypt:(\d+):(\d+):(\d+):([\w-]+):([\w-]+)$/;

const entrySchema = z.strictObject({
  name: z
    .string()
    .regex(TOKEN_NAME_PATTERN, 'must be 1-64 characters of A-Z, a-z, 0-9, ., _ and -'),
  role: z.enum(ROLES),
  hash: z.string().regex(HASH_PATTERN, 'is not what `order-dispatch setup token` makes'),
});

/** A token as the tokens file has it: who has it can prove a token, but not make it. */
export type TokenEntry = z.infer<typeof entrySchema>;

/** Cost of a hash, about 30 ms: N, r and p of RFC 7914. */
const COST = { N: 16_384, r: 8, p: 1 } as const;
const KEY_BYTES = 32;

const hashOf = promisify<string, Buffer, number, object, Buffer>(scrypt);

/** Makes a token, and its entry; the token itself is nowhere but in what this returns. */
export async function makeToken(given: {
  name: string;
  role: Role;
}): Promise<{ token: string; entry: TokenEntry }> {
  const token = `${given.name}~${randomBytes(32).toString('base64url')}`;
  const salt = randomBytes(16);
  const key = await hashOf(token, salt, KEY_BYTES, COST);
  const parts = [COST.N, COST.r, COST.p, salt.toString('base64url'), key.toString('base64url')];
  return { token, entry: entrySchema.parse({ ...given, hash: `scrypt:${parts.join(':')}` }) };
}

/** The name in a token, proven or not. */
export function nameInToken(token: string): string {
  return token.split('~', 1)[0] ?? '';
}

/** Whether an entry is a token's. */
export async function isTokenOf(token: string, { hash }: TokenEntry): Promise<boolean> {
  const [, N, r, p, salt = '', key = ''] = HASH_PATTERN.exec(hash) ?? [];
  const expected = Buffer.from(key, 'base64url');
  const cost = { N: Number(N), r: Number(r), p: Number(p) };
  const found = await hashOf(token, Buffer.from(salt, 'base64url'), expected.length, cost);
  return timingSafeEqual(found, expected);
}

/**
 * Parses a tokens file: a JSON array of entries, or an entry a line.
 *
 * @throws {@link InvalidConfiguration} that says what is wrong, without a hash.
 */
export function parseTokensFile(text: string): TokenEntry[] {
  const found = text.trimStart().startsWith('[')
    ? parseJson(text)
    : text.split('\n').flatMap(toLine);
  const parsed = z.array(entrySchema).safeParse(found);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const [at, field] = issue?.path ?? [];
    throw new InvalidConfiguration(
      `API_TOKENS_FILE: entry ${Number(at ?? 0) + 1}, ${String(field ?? 'all of it')}: ${issue?.message}`,
    );
  }
  const names = parsed.data.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    throw new InvalidConfiguration(`API_TOKENS_FILE: ${twice} is there twice`);
  return parsed.data;
}

function toLine(line: string): unknown[] {
  return line.trim() === '' ? [] : [parseJson(line)];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new InvalidConfiguration('API_TOKENS_FILE: is neither a JSON array nor JSON lines', {
      cause,
    });
  }
}
