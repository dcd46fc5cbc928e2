/** Keys that were added, the newest so many of them. */
export class NewestKeys {
  private readonly keys = new Set<string>();

  constructor(private readonly maximum: number) {}

  /** Whether a key was added, and is not too long ago. */
  has(key: string): boolean {
    return this.keys.has(key);
  }

  /** Adds a key, and forgets the oldest one where there are too many. */
  add(key: string): void {
    this.keys.delete(key);
    this.keys.add(key);
    const [oldest] = this.keys;
    if (this.keys.size > this.maximum && oldest !== undefined) this.keys.delete(oldest);
  }
}
