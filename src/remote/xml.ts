/** Reads the little XML that routers speak: elements and text. Bounded; whatever else XML can do is refused. Pure. */

/** An element; prefixes are cut from names, attributes are passed over. */
export interface XmlElement {
  readonly name: string;
  /** The text directly inside, trimmed. */
  readonly text: string;
  readonly children: readonly XmlElement[];
}

export const MAX_XML_LENGTH = 128 * 1024;
const MAX_ELEMENTS = 4000;
const MAX_DEPTH = 24;
/** XML 1.0 section 2.8. A document type, like everything else that begins with `<!` and is no comment, is refused. */
const DECLARATION = /\uFEFF?\s*(?:<\?xml[^<>]*\?>)?/y;
const COMMENT = /<!--(?:(?!--).)*-->/sy;
const NAME = /<(\/?)(?:[A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)/y;
const ATTRIBUTE = /\s+[A-Za-z_:][\w:.-]*\s*=\s*(?:"[^"<]*"|'[^'<]*')/y;
const TAG_END = /\s*(\/?)>/y;
const TEXT = /[^<]+/y;

/** The root element; undefined when the text is not well formed, or beyond the bounds. */
export function parseXml(text: string): XmlElement | undefined {
  return text.length > MAX_XML_LENGTH ? undefined : new XmlReader(text).read();
}

interface OpenElement {
  readonly name: string;
  text: string;
  readonly children: XmlElement[];
}

class XmlReader {
  readonly #text: string;
  readonly #open: OpenElement[] = [{ name: '', text: '', children: [] }];
  #position = 0;
  #elements = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): XmlElement | undefined {
    this.#take(DECLARATION);
    while (this.#position < this.#text.length) {
      if (this.#take(COMMENT) === undefined && !this.#readText() && !this.#readTag()) return undefined;
    }
    const [document, ...unclosed] = this.#open;
    const [root, ...others] = document?.children ?? [];
    const isWhole = unclosed.length === 0 && others.length === 0 && document?.text.trim() === '';
    return isWhole ? root : undefined;
  }

  #take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#position;
    const match = pattern.exec(this.#text);
    if (match === null) return undefined;
    this.#position += match[0].length;
    return match;
  }

  /** False, and nothing is taken, where there is no text, or none that can be read. */
  #readText(): boolean {
    const start = this.#position;
    const decoded = decodeReferences(this.#take(TEXT)?.[0] ?? '');
    if (decoded === undefined) this.#position = start;
    else this.#innermost.text += decoded;
    return this.#position > start;
  }

  #readTag(): boolean {
    const tag = this.#take(NAME);
    if (tag === undefined) return false;
    while (this.#take(ATTRIBUTE) !== undefined);
    const end = this.#take(TAG_END);
    if (end === undefined) return false;
    const [, slash, name = ''] = tag;
    const isEmpty = end[1] === '/';
    if (slash === '/') return !isEmpty && this.#close(name);
    return this.#begin(name) && (!isEmpty || this.#close(name));
  }

  #begin(name: string): boolean {
    this.#elements += 1;
    this.#open.push({ name, text: '', children: [] });
    return this.#elements <= MAX_ELEMENTS && this.#open.length <= MAX_DEPTH;
  }

  #close(name: string): boolean {
    if (this.#open.length === 1 || this.#innermost.name !== name) return false;
    const { text, children } = this.#open.pop()!;
    this.#innermost.children.push({ name, text: text.trim(), children });
    return true;
  }

  /** The document itself when nothing else is open. */
  get #innermost(): OpenElement {
    return this.#open.at(-1)!;
  }
}

/** Every element of this name below `element`, in document order. */
export function elementsNamed(element: XmlElement, name: string): XmlElement[] {
  return element.children.flatMap((child) => [...(child.name === name ? [child] : []), ...elementsNamed(child, name)]);
}

/** The text of the child of this name; undefined: there is none. */
export function childText(element: XmlElement, name: string): string | undefined {
  return element.children.find((child) => child.name === name)?.text;
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** Found at once, however many there are. */
const NO_REFERENCE = /&(?!(?:[a-z]{2,4}|#x[\da-f]{1,6}|#\d{1,7});)/i;

/** Undefined: a reference that is not one of the five, nor a number. */
function decodeReferences(text: string): string | undefined {
  if (NO_REFERENCE.test(text)) return undefined;
  let isWrong = false;
  const decoded = text.replace(/&([^;&\s]{0,10};)?/g, (_reference, body: string | undefined) => {
    const character = characterOf(body?.slice(0, -1) ?? '');
    isWrong ||= character === undefined;
    return character ?? '';
  });
  return isWrong ? undefined : decoded;
}

function characterOf(reference: string): string | undefined {
  if (Object.hasOwn(ENTITIES, reference)) return ENTITIES[reference];
  const [, hexadecimal, decimal] = /^#(?:x([\da-f]{1,6})|(\d{1,7}))$/i.exec(reference) ?? [];
  const code = hexadecimal === undefined ? Number(decimal) : Number.parseInt(hexadecimal, 16);
  const isCharacter = code >= 0x20 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
  return isCharacter ? String.fromCodePoint(code) : undefined;
}

/** Text as it may stand inside an element. */
export function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
