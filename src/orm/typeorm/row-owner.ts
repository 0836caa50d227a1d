import type { ObjectLiteral, QueryRunner, UpdateResult } from 'typeorm'
import { StorageError } from '../../core/errors.ts'
import type { Owner } from '../../fields/persist.ts'
import type { FileTransaction } from '../../fields/transaction.ts'
import type { EntityFiles } from './entity-files.ts'

/** What a row needs to write itself. */
export interface RowHome {
  readonly entity: EntityFiles
  /** The query runner for a row that came from this one: the same while it has its connection, else undefined. */
  runnerFor(runner: QueryRunner): QueryRunner | undefined
  transactionOf(runner: QueryRunner | undefined): FileTransaction | undefined
  update(runner: QueryRunner | undefined, row: ObjectLiteral, values: ObjectLiteral): Promise<UpdateResult>
}

/** Writes the row of a file: in the transaction in which it was read or saved, as long as that is open. */
export class RowOwner implements Owner {
  readonly row: ObjectLiteral
  readonly #home: RowHome
  readonly #runner: QueryRunner

  constructor(home: RowHome, row: ObjectLiteral, runner: QueryRunner) {
    this.row = row
    this.#home = home
    this.#runner = runner
  }

  transaction(): FileTransaction | undefined {
    return this.#home.transactionOf(this.#home.runnerFor(this.#runner))
  }

  async persist(values: Readonly<Record<string, unknown>>): Promise<void> {
    const { entity } = this.#home
    const { metadata } = entity
    if (metadata.getEntityIdMap(this.row) === undefined) {
      throw new StorageError(
        'invalid_argument',
        `This '${metadata.name}' has no key yet: save it first, and its file then.`,
      )
    }
    const set = {}
    for (const [attribute, value] of Object.entries(values)) entity.set(set, attribute, value)
    const { affected } = await this.#home.update(this.#home.runnerFor(this.#runner), this.row, set)
    if (affected === 0) throw new StorageError('not_found', `This '${metadata.name}' is not in the database any more.`)
    const files = new Set(entity.attributes)
    for (const [attribute, value] of Object.entries(values))
      if (!files.has(attribute)) entity.set(this.row, attribute, value)
  }
}
