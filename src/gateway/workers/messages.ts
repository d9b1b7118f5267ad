/** What the main process and its workers say to each other. Types only. */
import type { Decision, Page } from '../../access/decision.ts';
import type { Client } from '../../http/forwarding-headers.ts';
import type { FullLaneCounters, OpenConnection, RequestRecord } from '../../http/full-lane.ts';
import type { HeadParts } from '../../http/message.ts';
import type { Peer } from '../../http/request.ts';
import type { Log, LogFields } from '../../lib/log.ts';
import type { TlsCounters } from '../../tls/terminator.ts';
import type { Admission } from '../reception.ts';

/** A request that the main process decides on. */
export interface AskedRequest {
  /** The same each time when the same request is decided on again. */
  readonly request: number;
  readonly head: HeadParts;
  readonly peer: Peer;
}

export interface GivenConnection {
  /** Its number, by which the worker says that it is closed. */
  readonly connection: number;
  readonly admission: Exclude<Admission, 'close'>;
}

export interface PageHead {
  readonly page: number;
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number>>;
}

/** A piece of an answer; bytes that are no text come as base64. */
export interface PageChunk {
  readonly page: number;
  readonly text: string;
  readonly encoding: 'utf8' | 'base64';
}

/** What a worker does at one moment. */
export interface WorkerReport {
  /** Of the program that it runs, which may have been replaced on disk since the main process started. */
  readonly version: string;
  readonly lane: FullLaneCounters;
  readonly tls: TlsCounters;
  readonly connections: readonly OpenConnection[];
  readonly memoryBytes: number;
}

export interface WorkerSpeech {
  readonly notes: {
    readonly log: { readonly level: keyof Log; readonly fields: LogFields; readonly message: string };
    /** Requests that have ended, and how long the media server let others wait. */
    readonly ended: { readonly records: readonly RequestRecord[]; readonly waitsMs: readonly number[] };
    /** An answer of the media server from which there is something to learn. */
    readonly answered: {
      readonly request: number | undefined;
      readonly head: HeadParts;
      readonly peer: Peer;
      readonly status: number;
      readonly waitedMs: number;
    };
    /** The media server failed; `isConnect`: it could not even be reached. */
    readonly upstreamFailed: { readonly isConnect: boolean; readonly message: string };
    /** Valid credentials came from this address. */
    readonly validFrom: string;
    /** The number of a connection that was given and is closed. */
    readonly closed: number;
    readonly pageGone: number;
  };
  readonly questions: {
    /** `validForMs`: so long its credential passes for valid without being asked about again. */
    readonly decide: {
      readonly asked: AskedRequest;
      readonly answered: { readonly decision: Decision; readonly validForMs: number };
    };
    /** A PROXY header names `client` for a connection that was given. */
    readonly admit: {
      readonly asked: { readonly connection: number; readonly client: string };
      readonly answered: Admission;
    };
    /** Answered when the page is, or its stream has begun. */
    readonly page: {
      readonly asked: AskedRequest & {
        readonly page: number;
        readonly client: Client;
        readonly decision: Page;
        /** Base64. */
        readonly body: string;
      };
      readonly answered: true;
    };
  };
}

export interface MainSpeech {
  readonly notes: {
    /** `WorkerFacts` as text. */
    readonly facts: string;
    /** Verdicts on credentials that were told do not count any more. */
    readonly forget: null;
    /** A connection to serve; its socket comes along. */
    readonly connection: GivenConnection;
    /** Handshakes that are under way end. */
    readonly closeReception: null;
    readonly pageHead: PageHead;
    readonly pageEnd: number;
  };
  readonly questions: {
    /** Answered with how many were cut. */
    readonly recheck: { readonly asked: null; readonly answered: number };
    readonly report: { readonly asked: null; readonly answered: WorkerReport };
    /** Answered when nothing runs any more, after `asked` milliseconds at the latest. */
    readonly drain: { readonly asked: number; readonly answered: true };
    /** Answered when the client has room for more. */
    readonly pageChunk: { readonly asked: PageChunk; readonly answered: true };
  };
}
