import type { ObjectLiteral, QueryRunner, UpdateResult } from 'typeorm'
import { StorageError } from '../../core/errors.ts'
import type { Owner } from '../../fields/persist.ts'
import type { FileTransaction } from '../../fields/transaction.ts'
import type { EntityFiles } from './entity-files.ts'
import type { SourceFiles } from './source-files.ts'

/** Where the rows of an entity are written. */
export class RowHome {
  readonly entity: EntityFiles
  readonly #files: SourceFiles

  constructor(files: SourceFiles, entity: EntityFiles) {
    this.#files = files
    this.entity = entity
  }

  transactionOf(runner: QueryRunner | undefined): FileTransaction | undefined {
    return this.#files.transactionOf(runner)
  }

  update(runner: QueryRunner | undefined, row: ObjectLiteral, values: ObjectLiteral): Promise<UpdateResult> {
    const manager = runner?.manager ?? this.#files.dataSource.manager
    const update = manager.createQueryBuilder().update(this.entity.metadata.target).set(values)
    return update.whereEntity(row).callListeners(false).execute()
  }
}

/** Writes the row of a file: in the transaction in which it was read or saved, as long as that is open. */
export class RowOwner implements Owner {
  readonly row: ObjectLiteral
  readonly #home: RowHome
  readonly #runner: QueryRunner | undefined

  constructor(home: RowHome, row: ObjectLiteral, runner: QueryRunner | undefined) {
    this.row = row
    this.#home = home
    this.#runner = runner
  }

  transaction(): FileTransaction | undefined {
    return this.#home.transactionOf(this.#open())
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
    const { affected } = await this.#home.update(this.#open(), this.row, set)
    if (affected === 0) throw new StorageError('not_found', `This '${metadata.name}' is not in the database any more.`)
    const files = new Set(entity.attributes)
    for (const [attribute, value] of Object.entries(values))
      if (!files.has(attribute)) entity.set(this.row, attribute, value)
  }

  #open(): QueryRunner | undefined {
    return this.#runner?.isReleased === false ? this.#runner : undefined
  }
}
