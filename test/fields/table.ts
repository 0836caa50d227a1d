/** Rows of one SQLite table with file columns, as a program without an ORM writes them. */
import { DatabaseSync } from 'node:sqlite'
import {
  type FieldFile,
  type FileFields,
  type FileModel,
  FileRegistry,
  FileTransaction,
  fileModel,
} from '../../src/fields/index.ts'

/** A row with its files: what Django calls a model instance. */
export interface TableRow {
  id: number | null
  save(): Promise<void>
  delete(): Promise<void>
  readonly [attribute: string]: unknown
}

export class Table<F extends FileFields> {
  readonly db: DatabaseSync = new DatabaseSync(':memory:')
  readonly registry: FileRegistry = new FileRegistry()
  readonly model: FileModel<F>
  /** SQL of the writes, in order. */
  readonly statements: string[] = []
  /** Thrown by the next write. */
  failure: Error | undefined

  constructor(name: string, fields: F) {
    this.model = fileModel(name, fields, this.registry)
    this.db.exec(`CREATE TABLE ${name} (id INTEGER PRIMARY KEY, ${this.model.attributes.join(' TEXT, ')} TEXT)`)
    this.model.addUsers(async (attribute, names) => {
      const marks = names.map(() => '?').join(', ')
      const rows = this.db
        .prepare(`SELECT ${attribute} AS name FROM ${name} WHERE ${attribute} IN (${marks})`)
        .all(...names)
      return rows.map(row => row['name'])
    })
  }

  /** A new object, as `MyModel()`; with an id, the row of it. */
  object(id: number | null = null): TableRow & { [K in keyof F]: FieldFile } {
    const stored = id === null ? {} : this.db.prepare(`SELECT * FROM ${this.model.label} WHERE id = ?`).get(id)
    const row: Record<string, unknown> = { ...stored, id }
    const persist = async (values: Readonly<Record<string, unknown>>): Promise<void> => this.#write(row, values)
    row['save'] = () => persist({})
    row['delete'] = () => this.#delete(row)
    this.model.revive(row, () => ({ row, persist }))
    return row as unknown as TableRow & { [K in keyof F]: FieldFile }
  }

  #run(sql: string, ...values: (string | number | null)[]): number {
    this.statements.push(sql)
    const { failure } = this
    this.failure = undefined
    if (failure !== undefined) throw failure
    return Number(this.db.prepare(sql).run(...values).lastInsertRowid)
  }

  #write(row: Record<string, unknown>, values: Readonly<Record<string, unknown>>): void {
    const { label, attributes, fields } = this.model
    const all = attributes.map(name =>
      name in values ? (values[name] as string | null) : fields[name]!.encode(row[name]),
    )
    const marks = all.map(() => '?').join(', ')
    if (row['id'] === null) {
      row['id'] = this.#run(`INSERT INTO ${label} (${attributes.join(', ')}) VALUES (${marks})`, ...all)
    } else {
      const sets = attributes.map(name => `${name} = ?`).join(', ')
      this.#run(`UPDATE ${label} SET ${sets} WHERE id = ?`, ...all, row['id'] as number)
    }
  }

  async #delete(row: Record<string, unknown>): Promise<void> {
    const files = FileTransaction.current()?.savepoint() ?? new FileTransaction(this.registry)
    this.#run(`DELETE FROM ${this.model.label} WHERE id = ?`, row['id'] as number)
    row['id'] = null
    await this.model.release(row, undefined, files)
    await files.commit()
  }
}
