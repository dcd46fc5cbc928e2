/** The local stack cannot do what was asked; the message says why, and what to do about it. */
export class StackError extends Error {
  override readonly name = 'StackError';
}
