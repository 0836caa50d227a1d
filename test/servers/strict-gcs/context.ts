/** What every operation gets and gives. */
import type { StrictAnswer } from '../strict/answer.ts'
import type { FaultList } from '../strict/faults.ts'
import type { LoggedRequest } from '../strict/log.ts'
import type { Account, AccountOptions, HmacKey } from './accounts.ts'
import type { PartialWrites } from './partial-writes.ts'
import type { GcsRequest } from './request.ts'
import type { SessionList } from './sessions.ts'
import type { Bucket, BucketOptions } from './store.ts'
import type { TokenList } from './tokens.ts'

export type { StrictAnswer as GcsAnswer }

/** Options of the strict server; every one is optional. */
export interface StrictGcsOptions {
  /** Default `strict-project`. */
  readonly projectId?: string
  /** Default one private bucket `media`. */
  readonly buckets?: readonly (string | BucketOptions)[]
  /** Service accounts; default one administrator, which the metadata server gives to the instance. */
  readonly accounts?: readonly AccountOptions[]
  /** HMAC keys; default one of the first account. */
  readonly hmacKeys?: readonly HmacKey[]
  /** The server's clock, milliseconds since 1970; default Date.now. */
  readonly now?: () => number
  /** Lifetime of access tokens in seconds; default 3600. */
  readonly tokenSecs?: number
  /** Most items per listing page; default 1000. */
  readonly pageSize?: number
  /** Empty pages, each with a token, before every page of a listing; default 0. */
  readonly emptyPages?: number
  /** Most bytes that one rewrite call copies; default all. */
  readonly rewriteBytes?: number
  /** Milliseconds between two changes of one object below which the second is 429; default any number of changes. */
  readonly objectChangeMs?: number
  /** Whether a status query that tells the size completes an upload whose bytes are all there (the service does so); default false. */
  readonly completeOnTotal?: boolean
  /** Origin of session addresses; default that of the request. */
  readonly sessionOrigin?: string
  /** Ignores `Accept-Encoding: gzip` and unpacks all the same, as caches in front of the service do; default false. */
  readonly alwaysUnpack?: boolean
  /** Host names that stand for a bucket, as a custom domain does. */
  readonly domains?: Readonly<Record<string, string>>
  /** The subject token that the STS exchange accepts; default `strict-subject-token`. */
  readonly subjectToken?: string
}

/** The server's state. */
export interface ServerState {
  readonly options: StrictGcsOptions
  readonly projectId: string
  readonly accounts: readonly Account[]
  readonly hmacKeys: readonly HmacKey[]
  readonly buckets: Map<string, Bucket>
  readonly tokens: TokenList
  readonly sessions: SessionList
  readonly partialWrites: PartialWrites
  /** Set once the server listens: for the parts of a batch. */
  readonly running: {
    url: string
    faults?: FaultList<GcsRequest>
    log?: (entry: LoggedRequest, request: GcsRequest, email: string | undefined) => void
  }
  now(): number
}

/** Who asks. */
export interface Identity {
  /** Undefined for an anonymous request. */
  readonly account: Account | undefined
  /** What the token was given for; undefined for a signature, which is not limited. */
  readonly scopes: readonly string[] | undefined
  /** SHA-256 of the body in hexadecimal, to verify once the body is there. */
  readonly payload?: string | undefined
}

/** One request with its rights. */
export interface OperationContext {
  readonly state: ServerState
  readonly request: GcsRequest
  readonly identity: Identity
}
