/** The core alone, with statements written by hand: what adapters do, without an ORM. It proves the suite, and the suite the core. */
import {
  type FieldFile,
  type FileField,
  type FileModel,
  FileTransaction,
  fileModel,
} from '../../../src/fields/index.ts'
import {
  BREAK_COMMIT,
  clearing,
  type Id,
  NAMES,
  type NewResume,
  type OrmGround,
  type OrmPlace,
  pinning,
  type ResumeRow,
  type ResumeValues,
  TITLES,
  tablesOf,
} from '../suite/conformance.ts'
import { mariadb, postgres, type SqlConnection, type SqlDatabase, type SqlRow, sqlite } from './databases.ts'
import { PlainTransactions, type PlainTx } from './transactions.ts'

/** Makes the tables and registers the model. */
export async function startPlain(database: SqlDatabase, place: OrmPlace): Promise<PlainGround> {
  const ground = new PlainGround(database, place)
  for (const statement of tablesOf(database.dialect)) await ground.query(statement)
  return ground
}

/** Opens the database at a URL, or in a file of SQLite. */
export function openPlain(place: OrmPlace, database: string): Promise<PlainGround> {
  const open = database.startsWith('postgres:') ? postgres : database.startsWith('mariadb:') ? mariadb : sqlite
  return startPlain(open(database), place)
}

export class PlainGround extends PlainTransactions implements OrmGround<PlainTx> {
  readonly lacks: { readonly breakCommit?: string } = {}
  readonly atOnce: number
  breakCommit?: (tx: PlainTx) => Promise<unknown>
  readonly #database: SqlDatabase
  readonly #model: FileModel<{ pdf: FileField; photo: FileField }>
  readonly #detach: () => void

  constructor(database: SqlDatabase, place: OrmPlace) {
    super(database, place.registry)
    this.#database = database
    this.atOnce = database.atOnce
    if (database.dialect === 'mariadb') this.lacks = { breakCommit: 'MariaDB checks nothing at the commit' }
    else this.breakCommit = ({ connection }) => connection.query(BREAK_COMMIT)
    this.#model = fileModel('resumes', { pdf: place.pdf(), photo: place.photo() }, place.registry)
    this.#detach = this.#model.addUsers(async (attribute, names) => {
      const marks = names.map(() => '?').join(', ')
      const found = await this.query(`SELECT ${attribute} AS name FROM resumes WHERE ${attribute} IN (${marks})`, names)
      return found.map(({ name }) => name)
    })
  }

  async create(values: NewResume, tx?: PlainTx): Promise<Id> {
    return this.#write(tx, async (files, within) => {
      const stored = await this.#model.store(values, { files })
      return within(connection => this.#insert(stored, connection))
    })
  }

  async createMany(all: readonly NewResume[], tx?: PlainTx): Promise<void> {
    await this.#write(tx, async (files, within) => {
      const rows: SqlRow[] = []
      for (const values of all) rows.push(await this.#model.store(values, { files }))
      await within(async connection => {
        for (const row of rows) await this.#insert(row, connection)
      })
    })
  }

  async find(id: Id, tx?: PlainTx): Promise<ResumeRow | undefined> {
    const [row] = await this.#select('id = ? AND deleted_at IS NULL', [id], tx)
    return row
  }

  async findWhere(attribute: 'pdf' | 'photo', file: FieldFile | string): Promise<ResumeRow[]> {
    return this.#select(`${attribute} = ?`, [this.#model.fields[attribute].encode(file)])
  }

  async update(id: Id, values: ResumeValues, tx?: PlainTx): Promise<void> {
    const row = (await this.find(id, tx)) ?? {}
    await this.#change('id = ?', [id], values, { ...row, ...values }, tx)
  }

  async updateWhere(titles: readonly string[], values: ResumeValues, tx?: PlainTx): Promise<void> {
    await this.#change(`title IN (${titles.map(() => '?').join(', ')})`, titles, values, values, tx)
  }

  async remove(id: Id, tx?: PlainTx): Promise<void> {
    await this.#delete('id = ?', [id], tx)
  }

  async removeWhere(titles: readonly string[], tx?: PlainTx): Promise<void> {
    await this.#delete(`title IN (${titles.map(() => '?').join(', ')})`, titles, tx)
  }

  /** As an ORM does it: the values pass the column, the files are no one's affair. */
  async unseenUpdate(titles: readonly string[], values: ResumeValues): Promise<void> {
    const { fields } = this.#model
    const encoded = Object.entries(values).map(([name, value]) =>
      name in fields ? fields[name as 'pdf' | 'photo'].encode(value) : value,
    )
    const where = `title IN (${titles.map(() => '?').join(', ')})`
    await this.query(`UPDATE resumes SET ${settings(values)} WHERE ${where}`, [...encoded, ...titles])
  }

  async unseenRemove(titles: readonly string[]): Promise<void> {
    await this.query(`DELETE FROM resumes WHERE title IN (${titles.map(() => '?').join(', ')})`, titles)
  }

  async softRemove(id: Id): Promise<void> {
    await this.query('UPDATE resumes SET deleted_at = CURRENT_TIMESTAMP WHERE id = ?', [id])
  }

  async fileOf(id: Id, attribute: 'pdf' | 'photo', given?: PlainTx): Promise<FieldFile> {
    const tx = given ?? this.running
    const row = await this.find(id, tx)
    const owner = {
      row: row ?? {},
      persist: async (values: object) => {
        const run = async (connection: SqlConnection): Promise<void> => {
          const old = await connection.query(`SELECT pdf, photo FROM resumes WHERE id = ? ${this.#lock}`, [id])
          const text = `UPDATE resumes SET ${settings(values)} WHERE id = ?`
          const count = await connection.change(text, [...Object.values(values), id])
          if (count === 0) throw new Error(`there is no row ${id}`)
          // Another object may have saved a file of this row since this one was read.
          for (const before of old) await this.#model.release(before, values, FileTransaction.current()!)
        }
        await (tx === undefined ? this.alone(run) : run(tx.connection))
      },
      transaction: () => tx?.files,
    }
    return this.#model.attach(attribute, row?.[attribute] ?? null, owner).belongTo(owner)
  }

  pin(id: Id): Promise<unknown> {
    return this.query(pinning(Number(id)))
  }

  async names(): Promise<string[]> {
    return (await this.query(NAMES)).map(({ name }) => String(name))
  }

  async titles(): Promise<string[]> {
    return (await this.query(TITLES)).map(({ title }) => String(title))
  }

  async clear(): Promise<void> {
    for (const statement of clearing(this.#database.dialect)) await this.query(statement)
  }

  async close(): Promise<void> {
    this.#detach()
    await this.#database.close()
  }

  /** Runs a write: within the transaction there is, or in one of its own that begins after the uploads. */
  #write<T>(
    given: PlainTx | undefined,
    work: (
      files: FileTransaction,
      within: <R>(run: (connection: SqlConnection) => Promise<R>) => Promise<R>,
    ) => Promise<T>,
  ): Promise<T> {
    const tx = given ?? this.running
    return this.#model.step(
      files => work(files, tx === undefined ? run => this.alone(run) : run => run(tx.connection)),
      tx?.files,
    )
  }

  async #insert(row: SqlRow, connection: SqlConnection): Promise<Id> {
    const names = Object.keys(row).filter(name => row[name] !== undefined)
    const marks = names.map(() => '?').join(', ')
    const text = `INSERT INTO resumes (${names.join(', ')}) VALUES (${marks}) RETURNING id`
    const [made] = await connection.query(
      text,
      names.map(name => row[name]),
    )
    return made!['id'] as Id
  }

  async #select(where: string, values: readonly unknown[], given?: PlainTx): Promise<ResumeRow[]> {
    const tx = given ?? this.running
    const text = `SELECT id, title, pdf, photo FROM resumes WHERE ${where}`
    const rows = tx === undefined ? await this.query(text, values) : await tx.connection.query(text, values)
    return rows.map(row => this.#model.revive({ ...row }) as unknown as ResumeRow)
  }

  async #change(
    where: string,
    parameters: readonly unknown[],
    values: ResumeValues,
    row: object,
    tx?: PlainTx,
  ): Promise<void> {
    await this.#write(tx, async (files, within) => {
      const stored = await this.#model.store(values, { row, files })
      for (const [name, value] of Object.entries(stored)) if (value === undefined) delete stored[name]
      if (Object.keys(stored).length === 0) return
      const count = await within(async connection => {
        const old = await connection.query(`SELECT pdf, photo FROM resumes WHERE ${where} ${this.#lock}`, parameters)
        await connection.query(`UPDATE resumes SET ${settings(stored)} WHERE ${where}`, [
          ...Object.values(stored),
          ...parameters,
        ])
        for (const before of old) await this.#model.release(before, stored, files)
        return old.length
      })
      // What was uploaded for no row goes.
      if (count === 0) await files.rollback()
    })
  }

  async #delete(where: string, parameters: readonly unknown[], tx?: PlainTx): Promise<void> {
    await this.#write(tx, (files, within) =>
      within(async connection => {
        const old = await connection.query(`SELECT pdf, photo FROM resumes WHERE ${where} ${this.#lock}`, parameters)
        await connection.query(`DELETE FROM resumes WHERE ${where}`, parameters)
        for (const before of old) await this.#model.release(before, undefined, files)
      }),
    )
  }

  get #lock(): string {
    return this.#database.dialect === 'sqlite' ? '' : 'FOR UPDATE'
  }
}

function settings(values: object): string {
  return Object.keys(values)
    .map(name => `${name} = ?`)
    .join(', ')
}
