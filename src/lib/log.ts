/** What every part of the gateway needs of a log: four levels, fields first, a fixed message second. */

/** Values that came from a client go into `fields`, never into `message`: there they are escaped and bounded. */
export type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}

/** Discards everything; the default of components built without a log (tests, one-off commands). */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };
