import { useEffect, useRef, type KeyboardEvent as KeyPress } from 'react';

/** What a key does; by `KeyboardEvent.key`. */
export type Keys = Record<string, ((event: KeyboardEvent) => void) | undefined>;

/**
 * Listens for single keys, wherever the focus is but in a field: there they are text. While a dialog is
 * open, the page below it gets none.
 */
export function useKeys(keys: Keys): void {
  const latest = useRef(keys);
  useEffect(() => {
    latest.current = keys;
  });
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      if (isField(event.target) || isDialogOpen() || isForTarget(event)) return;
      const act = latest.current[event.key];
      if (!act) return;
      event.preventDefault();
      act(event);
    };
    window.addEventListener('keydown', listen);
    return () => window.removeEventListener('keydown', listen);
  }, []);
}

function isField(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement)
    return target.type !== 'checkbox' && target.type !== 'radio';
  return target.isContentEditable || /^(TEXTAREA|SELECT)$/.test(target.tagName);
}

/** What has the focus and is pressed by the key does what it does. */
function isForTarget({ key, target }: KeyboardEvent): boolean {
  return (
    key === 'Enter' && target instanceof Element && target.closest('a, button, summary') !== null
  );
}

function isDialogOpen(): boolean {
  return document.querySelector('[role="dialog"][aria-modal="true"]') !== null;
}

/** Sends the form of a text of several lines, where Enter begins a new one. */
export function submitByKey(event: KeyPress<HTMLTextAreaElement>): void {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    event.currentTarget.form?.requestSubmit();
  }
}

/** How long after `g` a letter counts, in ms. */
const GO_WITHIN_MS = 1_500;

/** `g`, then a letter: goes somewhere, before the letter means anything else. */
export function useGoKeys(places: Readonly<Record<string, () => void>>): void {
  const latest = useRef(places);
  useEffect(() => {
    latest.current = places;
  });
  useEffect(() => {
    let goUntil = 0;
    const listen = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (isField(event.target) || isDialogOpen()) return;
      const isWaiting = Date.now() < goUntil;
      goUntil = !isWaiting && event.key === 'g' ? Date.now() + GO_WITHIN_MS : 0;
      const go = isWaiting ? latest.current[event.key] : undefined;
      if (!go) return;
      event.preventDefault();
      go();
    };
    window.addEventListener('keydown', listen, { capture: true });
    return () => window.removeEventListener('keydown', listen, { capture: true });
  }, []);
}
