/** Why a question to the media server got no usable answer. */

/**
 * `unreachable`: the connection was refused, reset or impossible. `silent`: no complete answer before the deadline, or the server
 * says that it is busy (5xx). `nonsense`: not HTTP, or more than was asked for.
 */
export type TroubleKind = 'unreachable' | 'silent' | 'nonsense';

export class ServerTrouble extends Error {
  readonly trouble: TroubleKind;

  constructor(trouble: TroubleKind, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'ServerTrouble';
    this.trouble = trouble;
  }
}
