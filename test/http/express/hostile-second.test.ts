/** The known attacks (second half) against the express lane. */
import { runWithExpressLane } from './both-lanes.ts';

runWithExpressLane('hostile', (file) => file >= 'p');
