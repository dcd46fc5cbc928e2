import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { Icon } from './icons';
import classes from './ids.module.css';

/** An identifier, to be read and selected. */
export function Id({ children }: { children: string }) {
  return <code className={classes.id}>{children}</code>;
}

/** An order's ID, which leads to its page. */
export function OrderLink({ orderId }: { orderId: string }) {
  return (
    <Link to="/orders/$orderId" params={{ orderId }} className={classes.link} title={orderId}>
      {orderId}
    </Link>
  );
}

/** Copies a text. */
export function CopyButton({ text, what }: { text: string; what: string }) {
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 1_500);
  };
  const label = isCopied ? 'Copied' : `Copy ${what}`;
  return (
    <button
      type="button"
      className={classes.copy}
      aria-label={label}
      title={label}
      onClick={() => void copy()}
    >
      <Icon name="copy" size={13} />
      <span aria-live="polite">{isCopied ? 'copied' : ''}</span>
    </button>
  );
}
