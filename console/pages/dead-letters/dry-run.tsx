import { useQuery } from '@tanstack/react-query';
import { useId } from 'react';
import { ProblemNote } from '../../parts/notices';
import { counted } from '../../parts/words';

/** How many dead letters something would be about, counted when it is asked for. */
export function DryRun({ count }: { count: () => Promise<{ matched: number }> }) {
  const id = useId();
  const { data, error } = useQuery({
    queryKey: ['dryRun', id],
    queryFn: count,
    staleTime: Infinity,
    gcTime: 0,
  });
  if (error) return <ProblemNote error={error} />;
  return (
    <p role="status">
      {data ? (
        <>
          Dry run: <b>{counted(data.matched, 'open dead letter')}</b>, nothing is changed yet.
        </>
      ) : (
        'Dry run …'
      )}
    </p>
  );
}
