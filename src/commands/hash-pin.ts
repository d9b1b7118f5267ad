/** `lockgate hash-pin`: asks for a PIN, prints the value for `pin_hash`. */
import { GatewayError } from '../lib/errors.ts';
import { type CommandContext, EXIT_DONE } from './command.ts';
import { askSecret } from './prompt.ts';

/** Runs the command; the number is the exit status. */
export async function run({ json, print, complain }: CommandContext): Promise<number> {
  const { hashPin } = await import('../access/pin.ts');
  const pin = await askSecret('PIN: ');
  if (process.stdin.isTTY === true && (await askSecret('once more: ')) !== pin) {
    throw new GatewayError('usage', 'the two PINs differ', { hint: 'run the command again' });
  }
  const value = await hashPin(pin);
  print(json ? JSON.stringify({ pin_hash: value }) : value);
  if (process.stdout.isTTY === true)
    complain('next: put it into the file: [access] pin_hash = "…", then lockgate reload');
  return EXIT_DONE;
}
