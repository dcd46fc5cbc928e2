/** `npm run dispatch-system`: one more dispatch system on the running local stack. */
import { runOneMore } from './one-more';

runOneMore('dispatch-system');
