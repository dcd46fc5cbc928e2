import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from '@tanstack/react-router';
import { Inbox } from './pages/inbox/inbox';
import { parseSearch, searchOf, stringifySearch } from './search';
import { Broken, NotFound, Shell } from './shell/shell';

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound });
const at = () => root;

const home = createRoute({
  getParentRoute: at,
  path: '/',
  beforeLoad: () => {
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- this is how the router is told
    throw redirect({ to: '/inbox' });
  },
});

/** What people wait for first; all other pages are loaded when they are gone to. */
const inbox = createRoute({
  getParentRoute: at,
  path: '/inbox',
  validateSearch: searchOf('reason', 'kind', 'restaurantId', 'claimedBy', 'about', 'task'),
  component: Inbox,
});

const orders = createRoute({
  getParentRoute: at,
  path: '/orders',
  validateSearch: searchOf('q', 'status', 'restaurantId', 'after'),
  component: lazyRouteComponent(() => import('./pages/orders/orders'), 'Orders'),
});

const order = createRoute({
  getParentRoute: at,
  path: '/orders/$orderId',
  component: lazyRouteComponent(() => import('./pages/order/order'), 'OrderPage'),
});

const overview = createRoute({
  getParentRoute: at,
  path: '/overview',
  validateSearch: searchOf('range'),
  component: lazyRouteComponent(() => import('./pages/overview/overview'), 'Overview'),
});

const deadLetters = createRoute({
  getParentRoute: at,
  path: '/dead-letters',
  validateSearch: searchOf('state', 'reason', 'sourceQueue', 'about', 'after', 'id', 'replay'),
  component: lazyRouteComponent(() => import('./pages/dead-letters/dead-letters'), 'DeadLetters'),
});

const repairs = createRoute({
  getParentRoute: at,
  path: '/repairs',
  validateSearch: searchOf('orderId', 'done', 'after', 'id'),
  component: lazyRouteComponent(() => import('./pages/repairs/repairs'), 'Repairs'),
});

const bulkRuns = createRoute({
  getParentRoute: at,
  path: '/bulk',
  component: lazyRouteComponent(() => import('./pages/bulk/bulk-runs'), 'BulkRuns'),
});

const bulkRun = createRoute({
  getParentRoute: at,
  path: '/bulk/$bulkId',
  component: lazyRouteComponent(() => import('./pages/bulk/bulk-run'), 'BulkRunPage'),
});

const audit = createRoute({
  getParentRoute: at,
  path: '/audit',
  validateSearch: searchOf('actor', 'orderId', 'after'),
  component: lazyRouteComponent(() => import('./pages/audit/audit'), 'Audit'),
});

const hold = createRoute({
  getParentRoute: at,
  path: '/hold',
  component: lazyRouteComponent(() => import('./pages/hold/hold'), 'HoldPage'),
});

export const router = createRouter({
  routeTree: root.addChildren([
    home,
    inbox,
    orders,
    order,
    overview,
    deadLetters,
    repairs,
    bulkRuns,
    bulkRun,
    audit,
    hold,
  ]),
  parseSearch,
  stringifySearch,
  defaultPreload: 'intent',
  defaultErrorComponent: Broken,
  scrollRestoration: false,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
