import { useSession } from '../session/session';
import { Icon } from './icons';
import classes from './ids.module.css';

/** Where Temporal's own page shows a workflow; nothing where nobody said where that is. */
export function TemporalLink({ workflowId }: { workflowId: string }) {
  const { temporalUi } = useSession();
  if (!temporalUi) return null;
  const { url, namespace } = temporalUi;
  const part = encodeURIComponent;
  return (
    <a
      className={classes.copy}
      href={`${url.replace(/\/$/, '')}/namespaces/${part(namespace)}/workflows/${part(workflowId)}`}
      target="_blank"
      rel="noreferrer"
      title={`${workflowId} in Temporal's own page`}
    >
      <Icon name="external" size={13} />
      Temporal
    </a>
  );
}
