import { Modal } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { Icon } from '../parts/icons';
import { useBadges } from './counts';
import { PLACES } from './places';
import { Who } from './rail';
import classes from './bottom-bar.module.css';

/** Where one can go, on a narrow screen: the first four at hand, the rest behind "More". */
export function BottomBar({ isLive, openHelp }: { isLive: boolean; openHelp: () => void }) {
  const badges = useBadges();
  const [isOpen, setOpen] = useState(false);
  const close = () => setOpen(false);
  return (
    <nav className={classes.bar} aria-label="Pages, narrow screen">
      {PLACES.slice(0, 4).map(({ to, label, icon }) => (
        <Link key={to} to={to} className={classes.place}>
          <span className={classes.icon}>
            <Icon name={icon} size={18} />
            {badges[to] && (
              <span className={classes.badge} data-tone={badges[to].tone}>
                {badges[to].text}
              </span>
            )}
          </span>
          {label}
        </Link>
      ))}
      <button type="button" className={classes.place} onClick={() => setOpen(true)}>
        <Icon name="more" size={18} />
        More
      </button>
      <Modal
        opened={isOpen}
        onClose={close}
        title="More"
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        <ul className={classes.more}>
          {PLACES.slice(4).map(({ to, label, icon }) => (
            <li key={to}>
              <Link to={to} onClick={close}>
                <Icon name={icon} />
                {label}
                {badges[to] && <span className={classes.text}>{badges[to].text}</span>}
              </Link>
            </li>
          ))}
        </ul>
        <Who isLive={isLive} openHelp={openHelp} />
      </Modal>
    </nav>
  );
}
