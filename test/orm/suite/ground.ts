/** What the adapter of an ORM gives to the suite: one model `resume` with two files, written as the ORM's users write it. */
import type { FieldFile, FileValue } from '../../../src/fields/index.ts'

/** Key of a row, which the database makes. */
export type Id = number | string

/** A row as the ORM returns it; null where the ORM leaves a column without a file null. */
export interface ResumeRow {
  readonly id: unknown
  readonly title: string
  readonly pdf: FieldFile | null
  readonly photo: FieldFile | null
}

/** What is written; undefined, or not there, leaves the attribute as it is. */
export interface ResumeValues {
  readonly title?: string | undefined
  readonly pdf?: FileValue | undefined
  readonly photo?: FileValue | undefined
}

/** A row that is made: titles are unique. */
export interface NewResume extends ResumeValues {
  readonly title: string
}

/** A transaction that the program begins and ends itself. */
export interface OpenTransaction<Tx> {
  readonly tx: Tx
  commit(): Promise<unknown>
  rollback(): Promise<unknown>
}

/**
 * One database with one model over one storage. `tx` is whatever the ORM hands to code in a transaction (a client, an entity manager, a
 * session). What the ORM does not have is left out, with the reason in `lacks`: the suite fails for a part that has neither.
 */
export interface OrmGround<Tx = unknown> {
  /** Reasons for the parts that are left out. */
  readonly lacks?: { readonly [P in OptionalPart]?: string }
  /** Writes and transactions that can run at the same time; default 8, and 1 where they would get into each other's way. */
  readonly atOnce?: number

  create(values: NewResume, tx?: Tx): Promise<Id>
  find(id: Id, tx?: Tx): Promise<ResumeRow | null | undefined>
  /** Of one row by its key, in the way that the ORM's documentation shows first: an entity is found, assigned and saved. */
  update(id: Id, values: ResumeValues, tx?: Tx): Promise<unknown>
  /** Deletes one row for good. */
  remove(id: Id, tx?: Tx): Promise<unknown>

  /** All names in both file columns of all rows, soft-deleted ones included, outside of every transaction, by SQL. */
  names(): Promise<readonly string[]>
  /** The titles of all rows, by SQL. */
  titles(): Promise<readonly string[]>
  /** Empties all tables, by SQL; the files are the suite's affair. */
  clear(): Promise<unknown>
  /** Detaches the adapter (no column is registered afterwards), and closes the database. */
  close(): Promise<unknown>

  /** Commits when the work succeeds, rolls back and throws again when it fails. */
  transaction?<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  /** A nested transaction. */
  savepoint?<T>(tx: Tx, work: (inner: Tx) => Promise<T>): Promise<T>
  /** A transaction that is ended by hand. */
  begin?(): Promise<OpenTransaction<Tx>>
  /** A transaction that is never passed on: calls without `tx` in `work` find it (CLS, AsyncLocalStorage). */
  ambient?<T>(work: () => Promise<T>): Promise<T>

  /** Many rows by one call. */
  createMany?(values: readonly NewResume[], tx?: Tx): Promise<unknown>
  /** All rows with one of the titles by one call. */
  updateWhere?(titles: readonly string[], values: ResumeValues, tx?: Tx): Promise<unknown>
  /** All rows with one of the titles by one call. */
  removeWhere?(titles: readonly string[], tx?: Tx): Promise<unknown>
  /** An update by criteria that the adapter cannot see; instead of `updateWhere`. */
  unseenUpdate?(titles: readonly string[], values: ResumeValues): Promise<unknown>
  /** A deletion by criteria that the adapter cannot see; instead of `removeWhere`. */
  unseenRemove?(titles: readonly string[]): Promise<unknown>
  /** Hides a row, which stays in the table. */
  softRemove?(id: Id, tx?: Tx): Promise<unknown>
  /** Rows by their file: a condition takes a `FieldFile` or a name. */
  findWhere?(attribute: 'pdf' | 'photo', file: FieldFile | string): Promise<readonly ResumeRow[]>
  /** The file of a row, whose `save` and `delete` write the row. */
  fileOf?(id: Id, attribute: 'pdf' | 'photo', tx?: Tx): Promise<FieldFile>

  /** Makes every statement that deletes the row fail, until `clear`: a row of `pins` that refers to it. */
  pin?(id: Id): Promise<unknown>
  /** Makes the commit of a transaction fail: a row of `promises` that refers to no row, checked at the commit. */
  breakCommit?(tx: Tx): Promise<unknown>
}

export type OptionalPart = (typeof OPTIONAL_PARTS)[number]

export const OPTIONAL_PARTS = [
  'transaction',
  'savepoint',
  'begin',
  'ambient',
  'createMany',
  'updateWhere',
  'removeWhere',
  'softRemove',
  'findWhere',
  'fileOf',
  'pin',
  'breakCommit',
] as const
