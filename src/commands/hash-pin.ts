/** `lockgate hash-pin`: asks for a PIN, prints the value for `pin_hash`. */
import { GatewayError } from '../lib/errors.ts';
import { type Command, EXIT_DONE } from './command.ts';
import { askSecret } from './prompt.ts';

export const hashPinCommand: Command = {
  name: 'hash-pin',
  synopsis: '',
  summary: 'ask for a PIN and print the value for [access] pin_hash',
  async run({ json, print }) {
    const { hashPin } = await import('../access/pin.ts');
    const pin = await askSecret('PIN: ');
    if (process.stdin.isTTY === true && (await askSecret('once more: ')) !== pin) {
      throw new GatewayError('usage', 'the two PINs differ', { hint: 'run the command again' });
    }
    const value = await hashPin(pin);
    print(json ? JSON.stringify({ pin_hash: value }) : `pin_hash = "${value}"`);
    return EXIT_DONE;
  },
};
