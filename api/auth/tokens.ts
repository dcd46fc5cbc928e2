import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { InvalidConfiguration } from '../../domain/errors';
import {
  isTokenOf,
  makeToken,
  nameInToken,
  parseTokensFile,
  type TokenEntry,
} from '../../operations/api-tokens';
import type { Logger } from '../../runtime/logger';

/** The tokens that are taken. */
export interface Tokens {
  /**
   * @param beforeTrying is waited for where the token was not proven before: a hash costs.
   * @returns whose a token is; `undefined` where it is nobody's.
   */
  verify: (token: string, beforeTrying: () => Promise<void>) => Promise<TokenEntry | undefined>;
  /** The entry by that name, where it still has that hash. */
  find: (name: string, hash: string) => Promise<TokenEntry | undefined>;
}

/** How long a file is taken to be as it was, in ms. */
const LOOK_AFTER_MS = 1_000;

/** Proven tokens that are remembered, so that not each request costs a hash. */
const REMEMBERED = 1_000;

/**
 * Reads the tokens of a file, and again whenever it has changed: a token that is taken out of it is
 * refused from then on.
 *
 * @throws {@link InvalidConfiguration} where it cannot be read, at first; later it stays as it was.
 */
export async function readTokens(path: string, log: Logger): Promise<Tokens> {
  let entries = parseTokensFile(await readText(path));
  let mtimeMs = (await stat(path)).mtimeMs;
  let lookAgainAt = Date.now() + LOOK_AFTER_MS;
  /** By the SHA-256 of the token, so that none stays in memory. */
  const proven = new Map<string, TokenEntry>();
  const { entry: nobodys } = await makeToken({ name: 'nobody', role: 'viewer' });
  const refresh = async () => {
    if (Date.now() < lookAgainAt) return;
    lookAgainAt = Date.now() + LOOK_AFTER_MS;
    try {
      const found = await stat(path);
      if (found.mtimeMs === mtimeMs) return;
      entries = parseTokensFile(await readText(path));
      mtimeMs = found.mtimeMs;
      proven.clear();
      log.info({ tokens: entries.length }, 'the tokens file has changed');
    } catch (error) {
      log.error({ why: (error as Error).message }, 'the tokens file cannot be read: as it was');
    }
  };
  return {
    verify: async (token, beforeTrying) => {
      await refresh();
      const key = createHash('sha256').update(token).digest('base64url');
      const known = proven.get(key);
      if (known) return known;
      await beforeTrying();
      const entry = entries.find(({ name }) => name === nameInToken(token));
      // Of an unknown name it takes as long, so that nobody learns names by the time.
      if (!(await isTokenOf(token, entry ?? nobodys)) || !entry) return undefined;
      if (proven.size >= REMEMBERED) proven.clear();
      proven.set(key, entry);
      return entry;
    },
    find: async (name, hash) => {
      await refresh();
      return entries.find((entry) => entry.name === name && entry.hash === hash);
    },
  };
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new InvalidConfiguration(`API_TOKENS_FILE cannot be read (${code})`, { cause });
  }
}
