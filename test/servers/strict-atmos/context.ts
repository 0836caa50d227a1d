/** What every operation gets and gives. */
import type { StrictAnswer } from '../strict/answer.ts'
import type { ServerCertificate } from '../strict/server.ts'
import type { AtmosRequest } from './request.ts'
import type { AtmosNode, AtmosTree } from './tree.ts'

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
  /** Takes the path of a file with a slash at its end for that of the file, also when it reads and deletes; default 1021. */
  readonly ignoresSlashes?: boolean
  /** Takes no checksums: 1052. */
  readonly refusesChecksums?: boolean
  /** How often what was overwritten by a rename is still read by its path after that; default never. */
  readonly staleReads?: number
  /** Over TLS. */
  readonly tls?: ServerCertificate
  /** Most bytes of one object; default 5 TiB. */
  readonly maxSize?: number
}

/** The server's state. */
export interface AtmosState {
  readonly options: StrictAtmosOptions
  readonly credentials: readonly AtmosCredentials[]
  readonly driverPath: string
  readonly tree: AtmosTree
  /** What was overwritten by a rename and is still read so often, by path. */
  readonly stale: Map<string, { readonly node: AtmosNode; left: number }>
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
