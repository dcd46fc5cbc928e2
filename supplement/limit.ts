/** Makes a function that runs what it is given, at most `maximum` at once and in the order given. */
export function createLimit(maximum: number) {
  const waiting: (() => void)[] = [];
  let free = maximum;
  return async <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    }
  };
}
