import type { ReactNode } from 'react';
import classes from './page.module.css';

/** A page with its heading, and what can be done on it. */
export function Page(props: {
  title: ReactNode;
  about?: ReactNode;
  tools?: ReactNode;
  children: ReactNode;
}) {
  const { title, about, tools, children } = props;
  return (
    <div className={classes.page}>
      <header className={classes.head}>
        <h1>{title}</h1>
        {about && <div className={classes.about}>{about}</div>}
        {tools && <div className={classes.tools}>{tools}</div>}
      </header>
      {children}
    </div>
  );
}

/** A part of a page, with its heading. */
export function Section(props: { title: string; tools?: ReactNode; children: ReactNode }) {
  const { title, tools, children } = props;
  return (
    <section className={classes.section}>
      <div className={classes.sectionHead}>
        <h2>{title}</h2>
        {tools}
      </div>
      {children}
    </section>
  );
}
