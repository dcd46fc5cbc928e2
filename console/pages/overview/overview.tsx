import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Link, useSearch } from '@tanstack/react-router';
import { api } from '../../api/client';
import type { HealthAnswer } from '../../api/contract';
import { ProblemNote, Reading } from '../../parts/notices';
import { Page, Section } from '../../parts/page';
import { Prose } from '../../parts/prose';
import { StatusText } from '../../parts/status';
import { Ago } from '../../parts/time';
import { Chart } from './chart';
import { seriesOf } from './series';
import classes from './overview.module.css';

/** How far back the charts go, in ms. */
const RANGES = { hour: 3_600_000, day: 86_400_000, week: 7 * 86_400_000 };

type Range = keyof typeof RANGES;

/** How the service is, and how it was. */
export function Overview() {
  const { range: asked } = useSearch({ from: '/overview' });
  const range: Range = asked !== undefined && asked in RANGES ? (asked as Range) : 'hour';
  const health = useQuery({ queryKey: ['health', 'last'], queryFn: api.health });
  const history = useQuery({
    queryKey: ['health', 'history', range],
    queryFn: () => api.healthHistory(new Date(Date.now() - RANGES[range]).toISOString()),
    placeholderData: keepPreviousData,
  });
  const reports = history.data?.reports ?? [];
  return (
    <Page
      title="Overview"
      about={health.data && <StatusText status={health.data.state} />}
      tools={<Ranges range={range} />}
    >
      {health.error && <ProblemNote error={health.error} retry={health.refetch} />}
      {health.data && <Findings health={health.data} />}
      {history.error && <ProblemNote error={history.error} retry={history.refetch} />}
      {!history.data && !history.error && <Reading what="what was" />}
      {history.data && reports.length < 2 && (
        <Section title="How it was">
          <p className="quiet-text">
            Health is checked every minute, and the charts are drawn from what was seen: come back
            in a few minutes.
          </p>
        </Section>
      )}
      {reports.length >= 2 && (
        <div className={classes.charts}>
          {seriesOf(reports).map((chart) => (
            <Chart key={chart.title} {...chart} times={reports.map(({ at }) => Date.parse(at))} />
          ))}
        </div>
      )}
    </Page>
  );
}

function Ranges({ range }: { range: Range }) {
  return (
    <div className={classes.ranges} role="group" aria-label="How far back">
      {Object.keys(RANGES).map((each) => (
        <Link
          key={each}
          to="/overview"
          search={{ range: each }}
          aria-current={each === range || undefined}
        >
          {each}
        </Link>
      ))}
    </div>
  );
}

function Findings({ health }: { health: HealthAnswer }) {
  const { report, state } = health;
  if (!report) {
    return (
      <Section title="Health">
        <p>
          Nobody has checked the service yet: the supplement system does, every minute. Does it run?
        </p>
      </Section>
    );
  }
  const { findings, notChecked, at } = report;
  return (
    <Section
      title={findings.length === 0 ? 'Health' : `Health: ${findings.length} to mend`}
      tools={
        <span className="quiet-text">
          checked <Ago at={at} />
        </span>
      }
    >
      {state === 'stale' && (
        <p className={classes.stale}>
          Nobody has checked for a while: what stands here may be over.
        </p>
      )}
      {findings.length === 0 && <p>All that is checked is as it should be.</p>}
      <ul className={classes.findings}>
        {findings.map(({ code, severity, what, whatToDo, examples = [] }) => (
          <li key={code}>
            <StatusText status={severity} />
            <div>
              <b>{what}</b>
              <div className="quiet-text">
                <Prose text={whatToDo} />
              </div>
              {examples.length > 0 && (
                <div className="quiet-text">Such as {examples.join(', ')}</div>
              )}
            </div>
          </li>
        ))}
      </ul>
      {notChecked.map(({ what, why }) => (
        <p key={what} className="quiet-text">
          Not looked at: {what} ({why})
        </p>
      ))}
    </Section>
  );
}
