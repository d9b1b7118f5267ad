/** Talks to another process of the gateway, in order: notes, questions with their answers, and sockets that change hands. */
import type { SendHandle } from 'node:child_process';
import type { Socket } from 'node:net';

/** Questions without an answer; more are not asked. */
const MAX_QUESTIONS = 1_024;

/** What one side says: the content of each note; what each question asks, and the answer that it gets. All of it can be written as JSON. */
export interface Speech {
  readonly notes: object;
  readonly questions: object;
}

/** What each side does with what it hears. A question whose handler fails has no answer. */
export interface Ears<Heard extends Speech> {
  readonly notes: {
    readonly [Name in keyof Heard['notes']]: (content: Heard['notes'][Name], socket: Socket | undefined) => void;
  };
  readonly questions: {
    readonly [Name in keyof Heard['questions']]: (
      content: Asked<Heard, Name>,
    ) => Answered<Heard, Name> | Promise<Answered<Heard, Name>>;
  };
}

type Asked<S extends Speech, Name extends keyof S['questions']> = S['questions'][Name] extends { asked: infer T }
  ? T
  : never;
type Answered<S extends Speech, Name extends keyof S['questions']> = S['questions'][Name] extends { answered: infer T }
  ? T
  : never;

/** What Node has on either side of the channel: a child process, or the process itself. */
export interface Port {
  send?:
    | ((
        message: object,
        handle: SendHandle | undefined,
        options: object,
        callback: (error: Error | null) => void,
      ) => boolean)
    | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: as Node declares it.
  on(event: 'message', listener: (message: any, socket: any) => void): unknown;
}

type Message =
  | { readonly note: string; readonly content: unknown }
  | { readonly question: string; readonly number: number; readonly content: unknown }
  | { readonly answerTo: number; readonly answer: unknown };

type AnyEars = Readonly<Record<string, (content: unknown, socket?: Socket) => unknown>>;

export class Channel<Said extends Speech, Heard extends Speech> {
  readonly #port: Port;
  readonly #ears: { readonly notes: AnyEars; readonly questions: AnyEars };
  readonly #onDefect: (error: unknown) => void;
  readonly #waiting = new Map<number, (answer: unknown) => void>();
  #asked = 0;
  #isClosed = false;

  /** `onDefect`: hears why a question of the other side had no answer. */
  constructor(port: Port, ears: Ears<Heard>, onDefect: (error: unknown) => void) {
    this.#port = port;
    this.#ears = ears as unknown as { notes: AnyEars; questions: AnyEars };
    this.#onDefect = onDefect;
    port.on('message', (message: Message, socket: Socket | undefined) => this.#hear(message, socket));
  }

  /** What the other side never hears, because it is gone, is lost. A socket that is given away is this process's no more. */
  tell<Name extends keyof Said['notes'] & string>(name: Name, content: Said['notes'][Name], socket?: Socket): void {
    this.#send({ note: name, content }, socket);
  }

  /** The answer; undefined: none came within `timeoutMs`, or nobody is there. Never rejects. */
  ask<Name extends keyof Said['questions'] & string>(
    name: Name,
    content: Asked<Said, Name>,
    timeoutMs: number,
  ): Promise<Answered<Said, Name> | undefined> {
    if (this.#isClosed || this.#waiting.size >= MAX_QUESTIONS) return Promise.resolve(undefined);
    this.#asked += 1;
    const number = this.#asked;
    return new Promise((resolve) => {
      const settle = (answer: unknown) => {
        clearTimeout(deadline);
        this.#waiting.delete(number);
        resolve(answer as Answered<Said, Name> | undefined);
      };
      const deadline = timeoutMs === Number.POSITIVE_INFINITY ? undefined : setTimeout(settle, timeoutMs);
      this.#waiting.set(number, settle);
      this.#send({ question: name, number, content });
    });
  }

  /** The other side is gone: nothing that is waited for will come. */
  close(): void {
    this.#isClosed = true;
    for (const settle of [...this.#waiting.values()]) settle(undefined);
  }

  #send(message: Message, socket?: Socket): void {
    // A channel that is closed says so to the callback; whoever holds it hears of that by itself.
    this.#port.send?.(message, socket, {}, () => {});
  }

  #hear(message: Message, socket: Socket | undefined): void {
    if ('note' in message) this.#ears.notes[message.note]?.(message.content, socket);
    else if ('question' in message) void this.#answer(message.number, message.question, message.content);
    else this.#waiting.get(message.answerTo)?.(message.answer ?? undefined);
  }

  async #answer(number: number, question: string, content: unknown): Promise<void> {
    const answer = await this.#answerTo(question, content);
    this.#send({ answerTo: number, answer });
  }

  async #answerTo(question: string, content: unknown): Promise<unknown> {
    try {
      return await this.#ears.questions[question]?.(content);
    } catch (error) {
      this.#onDefect(error);
      return undefined;
    }
  }
}
