/** Names of worker deployments, as Temporal takes them: a dot ends the name in a version's own. */
export const DEPLOYMENT_NAME = /^(?!__)[A-Za-z0-9_-]{1,100}$/;
/** The same for people. */
export const DEPLOYMENT_NAME_RULE =
  'must be 1-100 characters of A-Z, a-z, 0-9, _ and -, and not begin with __';

/** Build IDs, as Temporal takes them. */
export const BUILD_ID = /^(?!__)[A-Za-z0-9._+-]{1,100}$/;
/** The same for people. */
export const BUILD_ID_RULE =
  'must be 1-100 characters of A-Z, a-z, 0-9, ., _, + and -, and not begin with __';
