import { Link } from '@tanstack/react-router';
import { useSession, useSignOut } from '../session/session';
import { Icon, Mark } from '../parts/icons';
import { Dot } from '../parts/status';
import { useBadges } from './counts';
import { InboxGroups } from './inbox-groups';
import { PLACES } from './places';
import { SchemeSwitch } from './scheme-switch';
import classes from './rail.module.css';

/** Where one can go, with counts; and who one is. */
export function Rail({ isLive, openHelp }: { isLive: boolean; openHelp: () => void }) {
  const badges = useBadges();
  return (
    <nav className={classes.rail} aria-label="Pages">
      <Link to="/inbox" className={classes.brand}>
        <Mark />
        <span>Order Dispatch</span>
      </Link>
      <ul className={classes.places}>
        {PLACES.map(({ to, label, icon, letter }) => {
          const badge = badges[to];
          return (
            <li key={to}>
              <Link to={to} className={classes.place} title={`${label} (g ${letter})`}>
                <Icon name={icon} />
                <span className={classes.label}>{label}</span>
                {badge && (
                  <span className={classes.badge} data-tone={badge.tone}>
                    {badge.text}
                    <span className="seen-by-readers-only"> {badge.means}</span>
                  </span>
                )}
              </Link>
              {to === '/inbox' && <InboxGroups />}
            </li>
          );
        })}
      </ul>
      <Who isLive={isLive} openHelp={openHelp} />
    </nav>
  );
}

/** Who is signed in, and the page's own switches. */
export function Who({ isLive, openHelp }: { isLive: boolean; openHelp: () => void }) {
  const { actor, role, auth, version } = useSession();
  const signOut = useSignOut();
  return (
    <div className={classes.who}>
      <div className={classes.live} role="status">
        <Dot tone={isLive ? 'good' : 'warn'} />
        {isLive ? 'live' : 'reconnecting …'}
        <span className={classes.version}>{version}</span>
      </div>
      <div className={classes.person}>
        <span className={classes.actor} title={actor}>
          {actor}
        </span>
        <span className={classes.role}>{role}</span>
      </div>
      <div className={classes.tools}>
        <SchemeSwitch />
        <button
          type="button"
          className={classes.tool}
          onClick={openHelp}
          title="Keyboard (?)"
          aria-label="Keyboard help"
        >
          <Icon name="keyboard" />
        </button>
        <a
          className={classes.tool}
          href="/docs"
          title="HTTP API"
          aria-label="HTTP API documentation"
        >
          <Icon name="external" />
        </a>
        {auth !== 'none' && (
          <button
            type="button"
            className={classes.tool}
            onClick={() => void signOut()}
            title="Sign out"
            aria-label="Sign out"
          >
            <Icon name="signOut" />
          </button>
        )}
      </div>
    </div>
  );
}
