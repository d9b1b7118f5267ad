/** A JSON log line as a person reads it: `23:30:01 warn  certificate expires soon  days=9 name=*.example`. */
import { clock } from '../lib/words.ts';

const COLOUR_OF_LEVEL: Readonly<Record<string, string>> = {
  error: '31',
  warn: '33',
  info: '32',
  debug: '90',
  trace: '90',
};

export function formatLine(json: string, options: { readonly colour: boolean }): string {
  const { level, time, message, ...fields } = JSON.parse(json) as Record<string, unknown>;
  const name = String(level);
  const label = options.colour ? `\u001b[${COLOUR_OF_LEVEL[name] ?? '0'}m${name.padEnd(5)}\u001b[0m` : name.padEnd(5);
  const details = Object.entries(fields).map(([key, value]) => `${key}=${formatValue(value)}`);
  return `${[clock(String(time)), label, String(message ?? ''), ...details].join(' ')}\n`;
}

/** Bare when it is one plain word; JSON otherwise, so that nothing a client sent can forge a second line or field. */
function formatValue(value: unknown): string {
  if (typeof value === 'string' && /^[\w.:/*@+,[\]-]+$/.test(value)) return value;
  if (Array.isArray(value) && value.every((item) => typeof item === 'string' && /^[\w.:/*@+[\]-]+$/.test(item))) {
    return value.join(',');
  }
  return JSON.stringify(value).replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
