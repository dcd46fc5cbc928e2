import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ApiAuth } from '../runtime/api-config';
import { Refusal } from './problem';
import type { Allowed, Who } from './who';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may use the route; absent where it is no route of ours, such as a file. */
    allows?: Allowed;
    /** What a body that does not fit its schema is called. @default 'UsageError' */
    invalidBody?: 'InvalidOrder';
    /** Whether the answer gets an ETag of its content. */
    etag?: boolean;
  }
  interface FastifyRequest {
    /** Who asks; null where nobody has to be known. */
    who: Who | null;
  }
}

/** Learns who asks. */
export interface Authentication {
  kind: ApiAuth;
  /** `undefined` where nobody is signed in. */
  identify: (request: FastifyRequest, attempts: Attempts) => Promise<Identified | undefined>;
  /** What else signs people in and out. */
  routes?: (app: FastifyInstance, attempts: Attempts) => void;
}

/** Keeps whoever guesses tokens from guessing many, and from costing much. */
export interface Attempts {
  /** @throws {@link Refusal} where too many from there have failed of late. */
  refuseTooMany: (request: FastifyRequest) => Promise<void>;
  countFailure: (request: FastifyRequest) => Promise<void>;
}

/** Who asks, and whether a cookie says so: a browser sends that along for any page. */
export interface Identified {
  who: Who;
  byCookie: boolean;
}

/** The header that a page of ours sends with whatever changes something: a form elsewhere cannot. */
const OWN_HEADER = 'x-requested-with';
const OWN_HEADER_VALUE = 'order-dispatch';

/** Names by which only this machine is asked. */
const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Has every request checked before anything else: that it means this host (a name elsewhere may lead
 * here), that no page of another origin sent it, and that whoever asks may.
 */
export function guardAccess(
  app: FastifyInstance,
  options: { authentication: Authentication; attempts: Attempts; publicUrl?: string },
): void {
  const { authentication, attempts, publicUrl } = options;
  const own = publicUrl === undefined ? undefined : new URL(publicUrl);
  app.decorateRequest('who', null);
  app.addHook('onRequest', async (request) => {
    const { allows } = request.routeOptions.config;
    // A probe comes by whatever address an installation has, and learns nothing.
    if (request.url === '/live') return;
    refuseOtherHosts(request, own);
    refuseOtherOrigins(request, own);
    if (allows === undefined || allows === 'everybody') return;
    const identified = await authentication.identify(request, attempts);
    if (!identified) {
      throw new Refusal('Unauthenticated', 'sign in, or send a token that is known', {
        auth: authentication.kind,
      });
    }
    const { who, byCookie } = identified;
    request.who = who;
    if (byCookie && isChange(request) && !isSentByOwnPage(request)) {
      throw new Refusal(
        'Forbidden',
        `send the header X-Requested-With: ${OWN_HEADER_VALUE} with what changes something`,
      );
    }
    if (allows.includes(who.role)) return;
    throw new Refusal(
      'Forbidden',
      `the role ${who.role} may not do this: ${allows.join(', ')} may`,
    );
  });
}

/** Who asks, on a route where somebody must. */
export function whoOf({ who }: FastifyRequest): Who {
  if (!who) throw new Refusal('Unauthenticated', 'nobody is signed in');
  return who;
}

/** Who asks, and which way: the fields of whatever the audit records. */
export function actorOf(request: FastifyRequest): Pick<Who, 'actor' | 'via'> {
  const { actor, via } = whoOf(request);
  return { actor, via };
}

/** Whether a page of ours sent a request. */
export function isSentByOwnPage({ headers }: FastifyRequest): boolean {
  return headers[OWN_HEADER] === OWN_HEADER_VALUE;
}

/** Whether a request is meant to change something. */
export function isChange({ method }: FastifyRequest): boolean {
  return method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS';
}

function refuseOtherHosts({ headers }: FastifyRequest, own: URL | undefined): void {
  if (isOwnHost(headers.host ?? '', own)) return;
  throw new Refusal('Forbidden', 'the Host header names another host: check API_PUBLIC_URL');
}

function isOwnHost(host: string, own: URL | undefined): boolean {
  // Behind a name of its own, nobody else's is right; but who sits at this machine may use this one's.
  return host === own?.host || isThisMachine(host);
}

function isThisMachine(host: string): boolean {
  return LOOPBACK_NAMES.includes(host.replace(/:\d+$/, ''));
}

/** A browser says which page sent a request; a program says nothing. */
function refuseOtherOrigins({ headers, method }: FastifyRequest, own: URL | undefined): void {
  const { origin, host = '' } = headers;
  const isNavigation = headers['sec-fetch-mode'] === 'navigate' && method === 'GET';
  // The same host in clear is another origin, which others may have written.
  const isOwn =
    origin === undefined ||
    origin === own?.origin ||
    (isThisMachine(host) && origin === `http://${host}`);
  const isElsewhere = !isOwn || (headers['sec-fetch-site'] === 'cross-site' && !isNavigation);
  if (isElsewhere) throw new Refusal('Forbidden', 'a page of another origin sent this');
}
