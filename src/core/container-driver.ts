import type { CallContext } from './call.ts'

/** What is known of a container: a bucket, or a top folder where the service keeps those. Absent fields are not told by that service. */
export interface ContainerStat {
  readonly name: string
  readonly createdAt?: Date | undefined
  /** Files in it. */
  readonly count?: number | undefined
  /** Stored bytes of all files. */
  readonly size?: number | undefined
}

/** One page of the containers of an account. */
export interface ContainerPage {
  readonly containers: readonly ContainerStat[]
  /** Absent on the last page. */
  readonly next?: string | undefined
}

/** The containers of the account that a driver's credentials belong to, whatever container the storage itself is in. */
export interface ContainerDriver {
  /** Taken, by this account or another: `exists`. A name that the service never takes: `invalid_argument`. */
  create(name: string, ctx: CallContext): Promise<void>
  /** Missing: `not_found`. */
  stat(name: string, ctx: CallContext): Promise<ContainerStat>
  list(
    page: { readonly token?: string | undefined; readonly limit?: number | undefined },
    ctx: CallContext,
  ): Promise<ContainerPage>
  /** Missing: `not_found`. Not empty: `not_empty`, and nothing is removed. */
  delete(name: string, ctx: CallContext): Promise<void>
}
