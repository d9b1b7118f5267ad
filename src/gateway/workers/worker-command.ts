/** What the program is called with to be a worker; `--help` does not show it. */
export const WORKER_COMMAND = 'worker';
