import type { TimelineItem } from '../../api/contract';
import type { Tone } from '../words';

/** Who takes part in an order's story, from left to right. */
export const LANES = ['order service', 'broker', 'dispatch system', 'people'] as const;

type Lane = (typeof LANES)[number];

/** How an entry is drawn: a dot in a lane, or an arrow from one to another. */
export interface Drawn {
  from: Lane;
  to?: Lane;
  tone: Tone;
}

/** How an entry is drawn. */
export function drawnOf(entry: TimelineItem): Drawn {
  switch (entry.what) {
    case 'placed':
      return { from: 'order service', tone: 'busy' };
    case 'requested':
      return { from: 'order service', to: 'broker', tone: 'busy' };
    case 'confirmed':
      return { from: 'broker', to: 'order service', tone: 'calm' };
    case 'acknowledged':
      return {
        from: 'dispatch system',
        to: 'order service',
        tone: entry.outcome === 'accepted' || entry.outcome === 'withdrawn' ? 'good' : 'warn',
      };
    case 'deadLettered':
      return { from: 'dispatch system', to: 'broker', tone: 'bad' };
    case 'escalated':
      return { from: 'order service', to: 'people', tone: 'warn' };
    case 'resolved':
    case 'cancellationAsked':
      return { from: 'people', to: 'order service', tone: 'busy' };
    case 'taskClosed':
      return { from: 'order service', to: 'people', tone: 'calm' };
    case 'acted':
      return { from: 'people', tone: 'calm' };
    case 'dispatched':
      return { from: 'order service', tone: 'good' };
    case 'cancelled':
    case 'erased':
      return { from: 'order service', tone: 'calm' };
    case 'repaired':
      return { from: 'order service', tone: 'busy' };
    case 'workflowEnded':
      return { from: 'order service', tone: 'bad' };
  }
}
