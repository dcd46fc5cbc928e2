/** The ID of an order's `number`th request for a dispatch. */
export function requestIdOf(orderId: string, requestNumber: number): string {
  return `${orderId}.${requestNumber}`;
}

/** The ID of the message that takes an order back for good. */
export function withdrawalIdOf(orderId: string): string {
  return `${orderId}.withdrawal`;
}

/** The `n` of a request ID `<orderId>.<n>`; `undefined` for a withdrawal's or any other ID. */
export function requestNumberOf(requestId: string): number | undefined {
  const match = /\.([1-9]\d{0,8})$/.exec(requestId);
  return match ? Number(match[1]) : undefined;
}
