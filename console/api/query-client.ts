import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { Problem } from './client';
import type { ChangedWhat } from './contract';

/** Under which key the session is kept. */
export const SESSION_KEY = ['session'] as const;

/** Where a session ended: the page then asks to sign in, and stays where it is. */
function onError(error: Error): void {
  if (error instanceof Problem && error.status === 401) {
    void queryClient.invalidateQueries({ queryKey: SESSION_KEY });
  }
}

/** All that was read, by what it is about: the first word of each key is one of the stream's. */
export const queryClient: QueryClient = new QueryClient({
  queryCache: new QueryCache({
    onError: (error, { queryKey }) => queryKey[0] !== SESSION_KEY[0] && onError(error),
  }),
  mutationCache: new MutationCache({
    // A token that is refused ends no session: whoever typed it reads why.
    onError: (error, _variables, _result, { options: { mutationKey } }) =>
      mutationKey?.[0] !== SESSION_KEY[0] && onError(error),
  }),
  defaultOptions: {
    queries: {
      staleTime: 20_000,
      // What cannot be reached may be there a moment later; a refusal stays one.
      retry: (failures, error) =>
        failures < 2 && !(error instanceof Problem && error.status > 0 && error.status < 500),
      retryDelay: (failures) => 500 * 2 ** failures,
    },
  },
});

/** Reads again what is shown of these, and marks the rest as old. */
export function refresh(...what: ChangedWhat[]): Promise<unknown> {
  return Promise.all(what.map((word) => queryClient.invalidateQueries({ queryKey: [word] })));
}
