import { Link } from '@tanstack/react-router';
import { Icon } from '../parts/icons';
import { Ago } from '../parts/time';
import { counted } from '../parts/words';
import { useSession } from '../session/session';
import { useHold } from './counts';
import classes from './hold-banner.module.css';

/** Says on every page that no request goes out. */
export function HoldBanner() {
  const held = useHold();
  const { mayManage } = useSession();
  if (!held) return null;
  const { hold, waiting } = held;
  return (
    <div className={classes.banner} role="status">
      <Icon name="hold" size={14} />
      <strong>{hold.endedAt ? 'Release under way' : 'Requests are held'}</strong>
      <span>
        by {hold.heldBy}, <Ago at={hold.heldAt} />
        {hold.note ? `: ${hold.note}` : ''}
      </span>
      <span>{counted(waiting, 'order')} waiting</span>
      <Link to="/hold">{mayManage && !hold.endedAt ? 'Release' : 'Look'}</Link>
    </div>
  );
}
