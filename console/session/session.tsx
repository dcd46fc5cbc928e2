import { useQuery, useQueryClient } from '@tanstack/react-query';
import { createContext, use, type ReactNode } from 'react';
import { api, Problem } from '../api/client';
import type { AuthKind, Session } from '../api/contract';
import { SESSION_KEY } from '../api/query-client';

/** What is known of who uses the page. */
export type SessionState =
  | { state: 'asking' }
  | { state: 'unreachable'; error: Error }
  /** `before`: who was signed in, where the session ended meanwhile. */
  | { state: 'signedOut'; auth: AuthKind; before?: Session }
  | { state: 'signedIn'; session: Session };

/** Who uses the page, asked of the API. */
export function useSessionState(): SessionState {
  const { data, error } = useQuery({
    queryKey: SESSION_KEY,
    queryFn: api.session,
    retry: false,
    staleTime: 60_000,
  });
  if (error instanceof Problem && error.status === 401) {
    return { state: 'signedOut', auth: error.auth ?? data?.auth ?? 'tokens', before: data };
  }
  if (data) return { state: 'signedIn', session: data };
  return error ? { state: 'unreachable', error } : { state: 'asking' };
}

const SessionContext = createContext<Session | undefined>(undefined);

/** Tells the page below who is signed in. */
export function SessionProvider({ session, children }: { session: Session; children: ReactNode }) {
  return <SessionContext value={session}>{children}</SessionContext>;
}

/** Who is signed in, and what this person may do. */
export function useSession(): Session & { mayAct: boolean; mayManage: boolean } {
  const session = use(SessionContext);
  if (!session) throw new Error('nobody is signed in here');
  const mayManage = session.role === 'admin';
  return { ...session, mayAct: mayManage || session.role === 'operator', mayManage };
}

/** Ends the session, and forgets what was read in it. */
export function useSignOut(): () => Promise<void> {
  const client = useQueryClient();
  return async () => {
    await api.signOut();
    client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== SESSION_KEY[0] });
    await client.invalidateQueries({ queryKey: SESSION_KEY });
  };
}
