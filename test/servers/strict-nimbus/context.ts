/** What every operation gets and gives. */
import type { StrictAnswer } from '../strict/answer.ts'
import type { ServerCertificate } from '../strict/server.ts'
import type { NimbusRequest } from './request.ts'
import type { NimbusStore } from './store.ts'

/** Who may ask. */
export interface NimbusUser {
  readonly username: string
  readonly keyId: number
  /** Used as it is, although it looks like base64. */
  readonly key: string
}

/** A collection that is there from the start. */
export interface NimbusCollectionOptions {
  readonly name: string
  /** Default the first user. */
  readonly owner?: string
  readonly versioning?: boolean
  readonly accessControl?: Readonly<Record<string, unknown>>
}

/** Options of the strict server; every one is optional. */
export interface StrictNimbusOptions {
  /** Default nimbus.io; collections are below it. */
  readonly domain?: string
  readonly users?: readonly NimbusUser[]
  /** Besides `dd-` and the name of each user; default `media`. */
  readonly collections?: readonly (string | NimbusCollectionOptions)[]
  /** The server's clock, milliseconds since 1970; default Date.now. */
  readonly now?: () => number
  /** Lists collections as arrays, as older servers do. */
  readonly oldCollections?: boolean
  /** Answers 200 to a new collection, as older servers do. */
  readonly oldCreateStatus?: boolean
  /** Most keys of a page, however many are asked for; default as many, or 1000. */
  readonly pageSize?: number
  /** Undoes the encoding of values of a query twice, as the source of the service does; default once. */
  readonly decodesTwice?: boolean
  /** How keys are ordered: by bytes, or as a dictionary does; default bytes. */
  readonly collation?: 'bytes' | 'en'
  /** Counts what was deleted, and old versions, as rows of a page, as the source of the service does: a page may have none of its keys left. */
  readonly countsDeleted?: boolean
  /** Answers a range that ends beyond the file as it was asked for, as the source of the service does; default as far as there are bytes. */
  readonly longRanges?: boolean
  /** Over TLS. */
  readonly tls?: ServerCertificate
  /** Empty files are taken; default refused with 403. */
  readonly takesEmpty?: boolean
  /** Collections that are not empty can be deleted, as the source of the service lets them be; default refused with 403. */
  readonly deletesFull?: boolean
}

/** The server's state. */
export interface NimbusState {
  readonly options: StrictNimbusOptions
  readonly domain: string
  readonly users: readonly NimbusUser[]
  readonly store: NimbusStore
  now(): number
}

/** One request to be carried out. */
export interface NimbusContext {
  readonly state: NimbusState
  readonly request: NimbusRequest
}

export type { StrictAnswer }
