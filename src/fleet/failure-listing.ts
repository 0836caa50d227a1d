import { failuresAfter } from './failures.ts'
import type { Batch, Listing } from './listing.ts'
import type { Sql } from './postgres.ts'
import type { Stage } from './stages.ts'

/** Which failures a stage is about. */
const WHERE: Readonly<Partial<Record<Stage, string>>> = {
  retry: `stage = 'copy' AND NOT refused`,
  differences: `stage = 'verify'`,
  again: 'NOT refused',
}

/** Names of failed files, in the order of their digests. */
export class FailureListing implements Listing {
  readonly #sql: Sql
  readonly #migration: string
  readonly #where: string
  #after: string | undefined

  constructor(sql: Sql, migration: string, stage: Stage, after: string | undefined) {
    this.#sql = sql
    this.#migration = migration
    this.#after = after
    this.#where = WHERE[stage] ?? 'true'
  }

  async next(count: number): Promise<Batch> {
    const { files, last } = await failuresAfter(this.#sql, this.#migration, this.#after, count, this.#where)
    this.#after = last
    const pairs = files.map(({ name }) => ({ key: name, source: undefined, target: undefined }))
    return { pairs, after: last, isEnd: files.length < count }
  }

  async close(): Promise<void> {}
}
