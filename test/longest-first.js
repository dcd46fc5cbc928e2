/**
 * Begins with the test files that take longest, so that none of them is what all wait for at the end:
 * Jest itself knows their times only where it has run them before, and else goes by their size.
 */
const { default: Sequencer } = require('@jest/test-sequencer');

/** Those of more than half a minute, roughly by their time. */
const LONGEST = [
  ...[
    'chaos',
    'crash',
    'server-outage',
    'packed-package',
    'cli',
    'local-stack',
    'readme',
    'console',
  ],
  ...['nothing-leaks', 'bulk', 'reconcile', 'cancellation', 'replay', 'cli-target', 'hold'],
];

module.exports = class LongestFirst extends Sequencer {
  sort(tests) {
    const rankOf = ({ path }) => {
      const rank = LONGEST.findIndex((name) => path.endsWith(`/${name}.test.ts`));
      return rank === -1 ? LONGEST.length : rank;
    };
    return super.sort(tests).toSorted((one, other) => rankOf(one) - rankOf(other));
  }
};
