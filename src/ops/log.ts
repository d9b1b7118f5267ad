/** The log: JSON lines, or readable text on a terminal; credentials removed from every field; repetitions counted. */
import pino, { type DestinationStream, type Logger } from 'pino';
import { BoundedCache } from '../lib/cache.ts';
import type { Log, LogFields } from '../lib/log.ts';
import { redact } from '../lib/redact.ts';
import { formatLine } from './log-text.ts';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';
export type LogFormat = 'auto' | 'json' | 'text';

/** The same trouble is written once in this time; what came in between is counted in the next one. */
const REPEAT_WINDOW_MS = 60_000;
const MAX_REMEMBERED_LINES = 500;
/** Refusals come as often as clients like: they are counted, as warnings and errors are. Other information is written each time. */
const COUNTED_INFO: ReadonlySet<string> = new Set(['refused']);
const MAX_FIELD_DEPTH = 4;
const MAX_ARRAY_ITEMS = 50;

/** A log with a level that can change on reload, and a flush for the moment before the process ends. */
export interface GatewayLog extends Log {
  setLevel(level: LogLevel): void;
  flush(): void;
}

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** File descriptor to write to. */
  readonly fd: number;
  readonly isTerminal: boolean;
  /** Monotonic clock in milliseconds. */
  readonly now?: () => number;
}

export function createLog(options: LogOptions): GatewayLog {
  const destination = pino.destination({ fd: options.fd, sync: true });
  // A log reader that went away must not end the gateway.
  destination.on('error', () => {});
  const asText = options.format === 'text' || (options.format === 'auto' && options.isTerminal);
  const stream: DestinationStream = asText
    ? { write: (line) => destination.write(formatLine(line, { colour: options.isTerminal })) }
    : destination;
  const logger = pino(
    {
      level: options.level,
      base: null,
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: (fields) => scrub(fields, 0) as LogFields },
    },
    stream,
  );
  return new CountingLog(logger, () => destination.flushSync(), options.now ?? (() => performance.now()));
}

/** Writes a warning, an error or a refusal once per window; says how often it was left out when it comes again. */
class CountingLog implements GatewayLog {
  readonly #logger: Logger;
  readonly #flush: () => void;
  readonly #now: () => number;
  readonly #seen = new BoundedCache<string, { since: number; left: number }>({ max: MAX_REMEMBERED_LINES });

  constructor(logger: Logger, flush: () => void, now: () => number) {
    this.#logger = logger;
    this.#flush = flush;
    this.#now = now;
  }

  debug(fields: LogFields, message: string): void {
    this.#logger.debug(fields, message);
  }

  info(fields: LogFields, message: string): void {
    if (COUNTED_INFO.has(message)) this.#writeOnce('info', fields, message);
    else this.#logger.info(fields, message);
  }

  warn(fields: LogFields, message: string): void {
    this.#writeOnce('warn', fields, message);
  }

  error(fields: LogFields, message: string): void {
    this.#writeOnce('error', fields, message);
  }

  setLevel(level: LogLevel): void {
    this.#logger.level = level;
  }

  flush(): void {
    this.#flush();
  }

  #writeOnce(level: 'info' | 'warn' | 'error', fields: LogFields, message: string): void {
    if (!this.#logger.isLevelEnabled(level)) return;
    const key = `${message} ${JSON.stringify(scrub(fields, 0))}`;
    const now = this.#now();
    const seen = this.#seen.get(key);
    if (seen !== undefined && now - seen.since < REPEAT_WINDOW_MS) {
      seen.left += 1;
      return;
    }
    this.#seen.set(key, { since: now, left: 0 });
    this.#logger[level](seen === undefined || seen.left === 0 ? fields : { ...fields, repeated: seen.left }, message);
  }
}

/** A copy of `value` that is safe to write: strings redacted and bounded, errors as their message, depth and length bounded. */
function scrub(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return redact(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Error) return { message: redact(value.message), stack: redact(value.stack ?? '') };
  if (depth >= MAX_FIELD_DEPTH) return '…';
  if (Array.isArray(value)) return value.slice(0, MAX_ARRAY_ITEMS).map((item) => scrub(item, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, scrub(item, depth + 1)]));
}
