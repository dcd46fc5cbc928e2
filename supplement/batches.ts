interface Waiting<Item, Result> {
  item: Item;
  resolve: (result: Result) => void;
  reject: (error: unknown) => void;
}

/** How {@link Batches} are made. */
export interface BatchesOptions<Item, Result> {
  /** A batch that has so many items is full. */
  maximumSize: number;
  /** How long a batch waits for more after its first item, in ms. */
  withinMs: number;
  /** What is done once for a whole batch. */
  work: (items: Item[]) => Promise<Result>;
}

/** Does for many items at once what would cost a query for each. */
export class Batches<Item, Result> {
  private waiting: Waiting<Item, Result>[] = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: BatchesOptions<Item, Result>) {}

  /** Adds an item to the next batch; resolves with the result of that batch's work, or fails with it. */
  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      if (this.waiting.length >= this.options.maximumSize) void this.flush();
      else this.timer ??= setTimeout(() => void this.flush(), this.options.withinMs);
    });
  }

  private async flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const batch = this.waiting.splice(0);
    try {
      const result = await this.options.work(batch.map(({ item }) => item));
      for (const { resolve } of batch) resolve(result);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}
