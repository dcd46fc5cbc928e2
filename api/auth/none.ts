import { userInfo } from 'node:os';
import { isSentByOwnPage, type Authentication } from '../access';

/** Whoever reaches it from this machine may do everything, as the user of the process. */
export function authenticateNobody(): Authentication {
  const actor = `local:${userInfo().username}`;
  return {
    kind: 'none',
    identify: (request) =>
      Promise.resolve({
        who: { actor, role: 'admin', via: isSentByOwnPage(request) ? 'web' : 'api' },
        byCookie: false,
      }),
  };
}
