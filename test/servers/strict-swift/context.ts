/** What the operations of the strict Swift server get. */
import type { StrictAnswer } from '../strict/answer.ts'
import type { ServerCertificate } from '../strict/server.ts'
import type { CdnList } from './cdn-list.ts'
import type { SwiftRequest } from './request.ts'
import type { Account } from './store.ts'
import type { Token, TokenList } from './tokens.ts'

/** Sizes and counts that the server allows; `/info` shows them. */
export interface Limits {
  /** Bytes of one object; default 5 GiB + 2, as Swift. */
  readonly maxFileSize: number
  readonly maxObjectName: number
  readonly maxContainerName: number
  readonly listingLimit: number
  readonly maxManifestSegments: number
  /** Bytes of every segment but the last one; default 1. */
  readonly minSegmentSize: number
  readonly maxManifestSize: number
  readonly maxDeletes: number
  /** Failures after which a bulk delete gives up. */
  readonly maxFailedDeletes: number
}

/** What a cluster may lack; `/info` does not show it then. */
export interface Features {
  /** `/info` itself: without it that is 403, and all else works. */
  readonly info: boolean
  readonly slo: boolean
  readonly dlo: boolean
  readonly bulk: boolean
  readonly tempurl: boolean
  readonly copy: boolean
}

/** How the server is started. */
export interface StrictSwiftOptions {
  /** Milliseconds; default the machine's clock. */
  readonly now?: () => number
  /** How long tokens live; default a day. */
  readonly tokenSecs?: number
  readonly limits?: Partial<Limits>
  readonly features?: Partial<Features>
  /** Digests of TempURLs; default sha1, sha256, sha512. */
  readonly allowedDigests?: readonly string[]
  /** Containers of every account of the first regions; default `media`. */
  readonly containers?: readonly string[]
  /** Of Keystone; default `RegionOne`. */
  readonly regions?: readonly string[]
  /** Of Rackspace; default ORD, DFW and LON. */
  readonly rackspaceRegions?: readonly string[]
  /** Whether Keystone's catalog says `object-store` under another name than `swift`; default `swift`. */
  readonly serviceName?: string
  /** The key of TempURLs of every account. */
  readonly tempUrlKey?: string
  /** Whether `last_modified` of listings ends in Z; default not. */
  readonly zulu?: boolean
  /** Whether bulk answers start with blanks, as those that take long; default not. */
  readonly heartbeats?: boolean
  /** Status of a good login by auth v1; default 200. */
  readonly v1Status?: 200 | 204
  readonly tls?: ServerCertificate
}

/** All that the server knows. */
export interface ServerState {
  readonly options: StrictSwiftOptions
  readonly limits: Limits
  readonly features: Features
  readonly digests: readonly string[]
  readonly regions: readonly string[]
  readonly rackspaceRegions: readonly string[]
  readonly accounts: Map<string, Account>
  readonly tokens: TokenList
  readonly cdn: CdnList
  /** Statuses of names, `container/object`, that a bulk delete shall not delete. */
  readonly bulkFailures: Map<string, number>
  /** Requests that no client should send. */
  readonly complaints: string[]
  /** Set when the server listens. */
  readonly running: { url: string; port: number }
  now(): number
  /** Seconds with five decimals; each later than the one before. */
  stamp(): string
}

/** Who asks. */
export interface Identity {
  readonly token: Token | undefined
  /** What a TempURL says of its answer. */
  readonly tempUrl: TempUrlGrant | undefined
}

/** What a good TempURL says of the answer. */
export interface TempUrlGrant {
  readonly expiresSecs: number
  readonly filename: string | undefined
  readonly inline: boolean
}

/** One operation to carry out. */
export interface OperationContext {
  readonly state: ServerState
  readonly request: SwiftRequest
  readonly identity: Identity
}

export type Operation = (context: OperationContext) => StrictAnswer
