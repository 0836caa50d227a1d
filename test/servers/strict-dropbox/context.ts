/** What every function gets and gives. */
import type { StrictAnswer } from '../strict/answer.ts'
import type { Plan, PlanList } from '../strict/plans.ts'
import type { Account } from './account.ts'
import type { Contention } from './contention.ts'
import type { CursorList } from './cursors.ts'
import type { JobList } from './jobs.ts'
import type { LinkList } from './links.ts'
import type { DropboxRequest } from './request.ts'
import type { SessionList } from './sessions.ts'
import type { Token, TokenList } from './tokens.ts'
import type { FolderNode, Space } from './tree.ts'

export type { StrictAnswer as DropboxAnswer }

/** Options of the strict server; every one is optional. */
export interface StrictDropboxOptions {
  /**
   * Whose Dropbox it is: one person's, a team member's whose `root_info` says `team`, or one's whose `root_info` says `user` with
   * a home path in the space of the team; default `user`.
   */
  readonly account?: 'user' | 'team' | 'team_space'
  /** The id of that account. */
  readonly accountId?: string
  /** The server's clock, milliseconds since 1970; default Date.now. */
  readonly now?: () => number
  /** Lifetime of access tokens in seconds; default 14,400. */
  readonly tokenSecs?: number
  /** Most entries of a page of a listing; default 500. */
  readonly pageSize?: number
  /** Entries by which a page may be longer than its limit, as the service says of it; default 0. */
  readonly extraEntries?: number
  /** Empty pages before every page of a listing; default 0. */
  readonly emptyPages?: number
  /** Most bytes of one request; default 150 MiB. */
  readonly maxRequestBytes?: number
  /** Bytes that the account may hold; default 2 TiB. */
  readonly allocated?: number
  /** Whether copies and moves in batches are done at once, or as jobs; default `jobs`. */
  readonly batches?: 'at once' | 'jobs'
  /** How often a job is still in progress when it is asked for; default 1. */
  readonly jobPolls?: number
  /** What a session is that has become a file: `closed`, or not found any more; default `closed`. */
  readonly afterFinish?: 'closed' | 'not_found'
  /** Whether a session keeps what arrived of a piece whose connection broke; default false. */
  readonly keepsArrived?: boolean
  /** Milliseconds that a write takes, during which every other one is refused with 429; default any number of writes at once. */
  readonly writeMs?: number
  /** Seconds that such a write is told to wait; default 1. */
  readonly busySecs?: number
  /**
   * What `strict_conflict` makes of equal bytes: a conflict in any mode, as its description can be read, or what the mode makes of other
   * bytes; default `conflict`.
   */
  readonly strictConflict?: 'conflict' | 'by mode'
  /** Refuses names with characters beyond the BMP, as the service did for long; default false. */
  readonly refusesAstral?: boolean
}

/** What is to happen to the next piece of an upload session, of which only some bytes are kept. */
export interface PartialWrite extends Plan {
  readonly stored: number
  /** What then becomes of the answer: 503, or a broken connection. */
  readonly answer: 503 | 'break'
}

/** The server's state. */
export interface ServerState {
  readonly options: StrictDropboxOptions
  readonly space: Space
  readonly account: Account
  readonly tokens: TokenList
  readonly sessions: SessionList
  readonly cursors: CursorList
  readonly jobs: JobList
  readonly links: LinkList
  readonly contention: Contention
  readonly partialWrites: PlanList<PartialWrite>
  /** Whether a write is under way. */
  writing: boolean
  now(): number
}

/** Who asks. */
export interface Identity {
  /** Undefined where no token is needed. */
  readonly token: Token | undefined
  /** The folder that paths are relative to. */
  readonly base: FolderNode
  /** The argument of a function of the content host. */
  readonly arg: unknown
}

/** One request with its rights. */
export interface OperationContext {
  readonly state: ServerState
  readonly request: DropboxRequest
  readonly base: FolderNode
}
