/** `npm run supplement`: one more supplement system on the running local stack. */
import { runOneMore } from './one-more';

runOneMore('supplement');
