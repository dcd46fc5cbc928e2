import { readApiConfig } from '../runtime/api-config';
import { runProcess } from '../runtime/run-process';
import { startApi } from './start-api';

/** The HTTP API as a process of its own. */
runProcess('api', readApiConfig, startApi);
