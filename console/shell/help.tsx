import { Modal } from '@mantine/core';
import { PLACES } from './places';
import classes from './help.module.css';

const KEYS: readonly [keys: string, what: string][] = [
  ['j k', 'next and previous row'],
  ['Enter', 'open the row'],
  ['x', 'select the row, for many at once'],
  ['a', 'once some are selected: take all that fit'],
  ['b', 'decide about all that are selected'],
  ['c', 'claim the task, or give the claim back'],
  ['r', 'decide about the task'],
  ['n', 'show what is new'],
  ['/', 'search'],
  ['Ctrl Enter', 'send what is typed'],
  ['Esc', 'close, or clear the selection'],
  ['?', 'this help'],
];

/** What the keys do. */
export function Help({ opened, close }: { opened: boolean; close: () => void }) {
  return (
    <Modal
      opened={opened}
      onClose={close}
      title="Keyboard"
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <dl className={classes.keys}>
        {KEYS.map(([keys, what]) => (
          <Row key={keys} keys={keys} what={what} />
        ))}
        {PLACES.map(({ letter, label }) => (
          <Row key={letter} keys={`g ${letter}`} what={label} />
        ))}
      </dl>
    </Modal>
  );
}

function Row({ keys, what }: { keys: string; what: string }) {
  return (
    <div>
      <dt>
        {keys.split(' ').map((key) => (
          <kbd key={key}>{key}</kbd>
        ))}
      </dt>
      <dd>{what}</dd>
    </div>
  );
}
