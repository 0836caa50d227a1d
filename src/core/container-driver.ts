import type { CallContext } from './call.ts'

/**
 * The attributes of a container: a bucket, or a top folder where the service has those. Fields that the service does not report are absent.
 */
export interface ContainerStat {
  readonly name: string
  readonly createdAt?: Date | undefined
  /** Number of files in it. */
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

/** The containers of the account that a driver's credentials belong to, not only the one that the storage is in. */
export interface ContainerDriver {
  /** A name that is taken, by this account or another one, is `exists`. A name that the service never accepts is `invalid_argument`. */
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
