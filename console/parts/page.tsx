import type { ReactNode } from 'react';
import { Id } from './ids';
import { useTitle } from './title';
import classes from './page.module.css';

/** A page with its heading, and what can be done on it. */
export function Page(props: {
  title: string;
  /** Whether the title is an identifier. */
  isId?: boolean;
  about?: ReactNode;
  tools?: ReactNode;
  children: ReactNode;
}) {
  const { title, isId = false, about, tools, children } = props;
  useTitle(title);
  return (
    <div className={classes.page}>
      <header className={classes.head}>
        <h1>{isId ? <Id>{title}</Id> : title}</h1>
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
