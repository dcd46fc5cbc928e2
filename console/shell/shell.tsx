import { Link, Outlet, useNavigate } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { useLiveHints } from '../api/stream';
import { useGoKeys, useKeys } from '../parts/keys';
import { Empty, ProblemNote } from '../parts/notices';
import { SessionProvider, useSessionState, type SessionState } from '../session/session';
import { SignIn } from '../session/sign-in';
import { BottomBar } from './bottom-bar';
import { Help } from './help';
import { HoldBanner } from './hold-banner';
import { PLACES } from './places';
import { Rail } from './rail';
import classes from './shell.module.css';

/** What is around every page; and what is there instead while nobody is signed in. */
export function Shell() {
  const state = useSessionState();
  const isLive = useLiveHints(state.state === 'signedIn');
  const session =
    state.state === 'signedIn'
      ? state.session
      : state.state === 'signedOut'
        ? state.before
        : undefined;
  const isHidden = state.state !== 'signedIn';
  useEffect(() => {
    // Dialogs stand outside of what is hidden.
    document.documentElement.toggleAttribute('data-signed-out', isHidden);
  }, [isHidden]);
  return (
    <>
      <Gate state={state} />
      {session && (
        // Kept while one signs in again, with all that was typed.
        <div className={classes.kept} hidden={isHidden}>
          <SessionProvider session={session}>
            {session.role === 'service' ? (
              <ForServices />
            ) : (
              <Desk isLive={isLive} isHidden={isHidden} />
            )}
          </SessionProvider>
        </div>
      )}
    </>
  );
}

function Gate({ state }: { state: SessionState }) {
  switch (state.state) {
    case 'asking':
      return <p className={classes.asking}>Order Dispatch …</p>;
    case 'unreachable':
      return (
        <main className={classes.asking}>
          <ProblemNote error={state.error} retry={() => window.location.reload()} />
        </main>
      );
    case 'signedOut':
      return <SignIn auth={state.auth} before={state.before} />;
    case 'signedIn':
      return null;
  }
}

function Desk({ isLive, isHidden }: { isLive: boolean; isHidden: boolean }) {
  const navigate = useNavigate();
  const [isHelpOpen, setHelpOpen] = useState(false);
  const openHelp = () => setHelpOpen(true);
  useGoKeys(
    isHidden
      ? {}
      : Object.fromEntries(PLACES.map(({ letter, to }) => [letter, () => void navigate({ to })])),
  );
  useKeys(
    isHidden
      ? {}
      : {
          '?': openHelp,
          '/': () => {
            const field = document.querySelector<HTMLInputElement>('input[type="search"]');
            if (field) field.focus();
            else void navigate({ to: '/orders' });
          },
        },
  );
  return (
    <div className={classes.app}>
      <a className={classes.skip} href="#page">
        Skip to the page
      </a>
      <Rail isLive={isLive} openHelp={openHelp} />
      <div className={classes.column}>
        <HoldBanner />
        <main id="page" className={classes.page} tabIndex={-1}>
          <Outlet />
        </main>
        <BottomBar isLive={isLive} openHelp={openHelp} />
      </div>
      <Help opened={isHelpOpen} close={() => setHelpOpen(false)} />
    </div>
  );
}

function ForServices() {
  return (
    <main className={classes.asking}>
      <Empty title="This token is a service's">
        <p>It places and reads orders by the HTTP API. To use the desk, sign in as a person.</p>
      </Empty>
    </main>
  );
}

/** A page that could not be drawn, which is a fault of ours: the others go on. */
export function Broken({ error, reset }: { error: unknown; reset: () => void }) {
  const problem = error instanceof Error ? error : new Error(String(error));
  return (
    <Empty title="This page broke">
      <ProblemNote error={problem} retry={reset} />
      <p>
        Nothing was decided by that. <Link to="/inbox">Back to the inbox</Link>
      </p>
    </Empty>
  );
}

/** A URL that leads nowhere. */
export function NotFound() {
  return (
    <Empty title="There is no such page">
      <p>
        <Link to="/inbox">The inbox</Link> is where most people begin.
      </p>
    </Empty>
  );
}
