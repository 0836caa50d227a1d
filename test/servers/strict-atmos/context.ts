/** What every operation gets and gives. */
import type { StrictAnswer } from '../strict/answer.ts'
import type { AtmosRequest } from './request.ts'
import type { AtmosTree } from './tree.ts'

/** Who may ask. */
export interface AtmosCredentials {
  /** `subtenant/user`, or the user alone. */
  readonly uid: string
  /** Base64, as it is given to users. */
  readonly secret: string
}

/** Options of the strict server; every one is optional. */
export interface StrictAtmosOptions {
  readonly credentials?: readonly AtmosCredentials[]
  /** What stands before `/rest` in every path, as Ninefold's `/storage/v1.0`; default nothing. */
  readonly driverPath?: string
  /** Whether that is part of what is signed; default false. */
  readonly signsDriverPath?: boolean
  /** The server's clock, milliseconds since 1970; default Date.now. */
  readonly now?: () => number
  /** Most entries of one page of a listing; default 1000. */
  readonly pageSize?: number
  /** Makes tokens of listings the name of the next entry; default opaque. */
  readonly namesAsTokens?: boolean
  /** Statuses of codes where they are to be others. */
  readonly statuses?: Readonly<Record<number, number>>
  /** Gives the error document a namespace; default none. */
  readonly namespacedErrors?: boolean
  /** Answers checksums without their offset. */
  readonly shortChecksums?: boolean
  /** Answers an ETag, as newer servers do. */
  readonly etags?: boolean
  /** Most bytes of one object; default 5 TiB. */
  readonly maxSize?: number
}

/** The server's state. */
export interface AtmosState {
  readonly options: StrictAtmosOptions
  readonly credentials: readonly AtmosCredentials[]
  readonly driverPath: string
  readonly tree: AtmosTree
  now(): number
}

/** One request with its user. */
export interface AtmosContext {
  readonly state: AtmosState
  readonly request: AtmosRequest
  readonly uid: string
  /** What a shareable URL says that the answer's Content-Disposition be. */
  readonly disposition: string | undefined
}

export type { StrictAnswer }
