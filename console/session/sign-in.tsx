import { Button, PasswordInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type SubmitEvent } from 'react';
import { api } from '../api/client';
import { SESSION_KEY } from '../api/query-client';
import type { AuthKind, Session } from '../api/contract';
import { Mark } from '../parts/icons';
import classes from './sign-in.module.css';

/** Asks who it is. The URL stays as it was, so that one is back where one was. */
export function SignIn({ auth, before }: { auth: AuthKind; before?: Session }) {
  return (
    <main className={classes.screen}>
      <div className={classes.box}>
        <Mark size={36} />
        <h1>Order Dispatch</h1>
        {before ? (
          <p role="status">
            Your session ended, {before.actor}. Sign in again: you come back to this page, and what
            you typed is still there.
          </p>
        ) : (
          <p>The desk for orders that wait for people.</p>
        )}
        {auth === 'oidc' ? <ProviderLink /> : <TokenForm before={before} />}
      </div>
    </main>
  );
}

function ProviderLink() {
  const returnTo = window.location.pathname + window.location.search;
  return (
    <Button component="a" href={`/auth/login?returnTo=${encodeURIComponent(returnTo)}`} size="sm">
      Sign in
    </Button>
  );
}

function TokenForm({ before }: { before?: Session }) {
  const client = useQueryClient();
  const [token, setToken] = useState('');
  const signIn = useMutation({
    mutationKey: SESSION_KEY,
    mutationFn: async () => {
      await api.signIn(token.trim());
      const { actor } = await api.session();
      // What another person had read is not for this one.
      if (before && before.actor !== actor) window.location.reload();
      // Also what failed while nobody was signed in.
      else await client.invalidateQueries();
    },
  });
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (token.trim() !== '') signIn.mutate();
  };
  return (
    <form onSubmit={submit} className={classes.form}>
      <PasswordInput
        label="Access token"
        description="From whoever runs this desk. It is sent once: then a cookie keeps you signed in."
        value={token}
        onChange={(event) => setToken(event.currentTarget.value)}
        error={signIn.error?.message}
        autoComplete="current-password"
        size="sm"
        autoFocus
      />
      <Button type="submit" size="sm" loading={signIn.isPending}>
        Sign in
      </Button>
    </form>
  );
}
