/** What is promised of forwarding, upgrades and the lane itself, with the express lane in front. */
import { runWithExpressLane } from './both-lanes.ts';

const UNITS = ['message.test.ts', 'headers.test.ts'];

runWithExpressLane('http', (file) => !UNITS.includes(file));
