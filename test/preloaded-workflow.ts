import { DEFAULT_POLICY, parsePolicyOverrides } from '../domain/policy';
import { parseResolution } from '../domain/resolution';
import { VERDICT_RULES } from '../domain/verdict';

/** What a workflow meets in modules that it shares with others; see workflow-bundle.test.ts. */
export function preloadedWorkflow(): Promise<Record<string, string>> {
  const attempts: Record<string, () => unknown> = {
    changePolicy: () => Object.assign(DEFAULT_POLICY, { maximumAttempts: 99 }),
    addRule: () => (VERDICT_RULES as unknown[]).push('another'),
    changeFunction: () => Object.assign(parsePolicyOverrides, { x: 1 }),
    validPolicy: () => JSON.stringify(parsePolicyOverrides({ maximumAttempts: 3 })),
    invalidPolicy: () => parsePolicyOverrides({ maximumAttempts: 0, patience: 1 }),
    validResolution: () =>
      JSON.stringify(parseResolution({ decision: 'retry', actor: ' mia ', note: 'again' })),
    invalidResolution: () => parseResolution({ decision: 'retry', courierId: 'c', actor: 'mia' }),
    policyAfterwards: () => JSON.stringify(DEFAULT_POLICY.maximumAttempts),
  };
  const outcomes = Object.entries(attempts).map(([name, attempt]) => {
    try {
      return [name, String(attempt())];
    } catch (error) {
      return [name, `${(error as Error).name}: ${(error as Error).message}`];
    }
  });
  return Promise.resolve(Object.fromEntries(outcomes) as Record<string, string>);
}
