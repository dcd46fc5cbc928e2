import { say } from './output';

const WIDTH = 30;

/** How a long piece of work goes, for whoever waits. */
export interface ProgressBar {
  show: (done: number, of: number, what: string) => void;
  /** Leaves the line to others. */
  end: () => void;
}

/** A bar that grows in its line on stderr; without a terminal, a line each time that something changed. */
export function progressBar(): ProgressBar {
  const { stderr } = process;
  let last = '';
  return {
    show(done, of, what) {
      const text = `${done} of ${of}${what && `: ${what}`}`;
      if (text === last) return;
      last = text;
      if (!stderr.isTTY) {
        say(text);
        return;
      }
      const full = of === 0 ? WIDTH : Math.floor((done / of) * WIDTH);
      const bar = `${'█'.repeat(full)}${'░'.repeat(WIDTH - full)} ${text}`;
      stderr.write(`\r\u001b[2K${bar.slice(0, stderr.columns - 1)}`);
    },
    end() {
      if (stderr.isTTY && last) stderr.write('\n');
    },
  };
}
