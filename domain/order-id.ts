/** What an order ID looks like: it fits into every name that is made of it. */
export const ORDER_ID_PATTERN = /^[A-Za-z0-9_-]{1,64}$/;

/** The same in words. */
export const ORDER_ID_RULE = 'must be 1-64 characters of A-Z, a-z, 0-9, _ and -';
