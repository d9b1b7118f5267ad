/** Text for a terminal: names of servers and words of clients must not move its cursor or disguise what they are. */

/** Controls, also those of one byte (C1), and overrides of the reading direction; tab and line feed stay. */
const COMMANDS = /(?![\t\n])[\p{Cc}\p{Bidi_Control}]/gu;

/** `text` with every such character as U+FFFD. */
export function terminalText(text: string): string {
  return text.replace(COMMANDS, '\uFFFD');
}
