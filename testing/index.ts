/** For the tests of an order service: the SDK without its servers. */
export { FakeOrderDispatch } from './fake-order-dispatch';
export type { FakeOrderDispatchOptions } from './fake-order-dispatch';
export type { OrderScript, RequestReply } from './order-script';
