/** `npm run worker`: one more worker on the running local stack. */
import { runOneMore } from './one-more';

runOneMore('worker');
