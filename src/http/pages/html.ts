/** HTML as a tagged template: whatever is put into it is escaped, unless it is HTML already. */

/** A piece of HTML that is safe to send. `html` makes it; `new Html` is for constants of the program only. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What a template takes: text and numbers are escaped, pieces and lists of pieces are kept, undefined is nothing. */
export type HtmlValue = string | number | Html | readonly Html[] | undefined;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

/** Characters that show nothing and can make a text read differently from what it is: controls, and overrides of the reading direction. */
const INVISIBLE = /(?![\t\n])[\p{Cc}\p{Bidi_Control}]/gu;

/** Text made safe for HTML content and quoted attribute values. Control and direction characters become U+FFFD, so that a name cannot disguise itself. */
export function escapeHtml(text: string): string {
  return text.replace(INVISIBLE, '\uFFFD').replace(/[&<>"'`]/g, (character) => ENTITIES[character] ?? '');
}

/** Template tag: `html\`<p>${name}</p>\``. Attribute values have to be quoted. */
export function html(strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  const parts = strings.map((text, index) => text + render(values[index]));
  return new Html(parts.join(''));
}

function render(value: HtmlValue): string {
  if (value === undefined) return '';
  if (value instanceof Html) return value.text;
  if (typeof value === 'object') return value.map((piece) => piece.text).join('');
  return escapeHtml(String(value));
}
