/**
 * Begins with the test files that take longest, so that none of them is what all wait for at the end:
 * Jest itself knows their times only where it has run them before, and else goes by their size.
 */
const { default: Sequencer } = require('@jest/test-sequencer');
const longest = require('./longest.json');

module.exports = class LongestFirst extends Sequencer {
  sort(tests) {
    const rankOf = ({ path }) => {
      const rank = longest.findIndex((name) => path.endsWith(`/${name}.test.ts`));
      return rank === -1 ? longest.length : rank;
    };
    return super.sort(tests).toSorted((one, other) => rankOf(one) - rankOf(other));
  }
};
