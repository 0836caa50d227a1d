import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import {
  type FieldFile,
  type FileModel,
  FileTransaction,
  fileField,
  fileModel,
  type ImageFieldFile,
  imageField,
} from 'holdall/fields'
import { transaction } from './database.ts'
import { Draft } from './draft.ts'
import { TAKEN } from './files.ts'

/** A row as it is read. */
export interface Resume {
  readonly id: number
  readonly person: string
  readonly pdf: FieldFile
  readonly photos: ImageFieldFile
  readonly photosWidth: number | null
  readonly photosHeight: number | null
  readonly photosOrientation: number | null
}

/** A row as SQL has it: files are names. */
type Row = Record<string, SQLInputValue>

/** What must not differ between storages: a file never takes the place of another person's. */
const SAVE = { overwrite: false }

/**
 * The model of the manual, on plain SQL: `pdf = FileField(upload_to='pdfs')`, `photos = ImageField(upload_to='photos')`. The storage is the one that
 * the settings call `default`; it is looked up when it is first used.
 */
const fields = () => ({
  pdf: fileField({ uploadTo: 'pdfs', saveOptions: { ...SAVE, maxSize: TAKEN.pdf.maxBytes } }),
  photos: imageField({
    uploadTo: 'photos',
    saveOptions: { ...SAVE, maxSize: TAKEN.photos.maxBytes },
    width: 'photosWidth',
    height: 'photosHeight',
    orientation: 'photosOrientation',
  }),
})

/** The table of resumes and its files. */
export class Resumes {
  readonly model: FileModel<ReturnType<typeof fields>> = fileModel('resumes', fields())
  readonly #database: DatabaseSync
  readonly #unregister: () => void

  constructor(database: DatabaseSync) {
    this.#database = database
    // A file is deleted only when no row names it: this is where that is asked.
    this.#unregister = this.model.addUsers(async (column, names) => {
      const query = `SELECT ${column} AS name FROM resumes WHERE ${column} IN (SELECT value FROM json_each(?))`
      return this.#all(query, JSON.stringify(names)).map(({ name }) => name)
    })
  }

  /** All rows, the newest first. */
  list(): Resume[] {
    return this.#all('SELECT * FROM resumes ORDER BY id DESC').map(row => this.#revive(row))
  }

  find(id: number): Resume | undefined {
    const [row] = this.#all('SELECT * FROM resumes WHERE id = ?', id)
    return row && this.#revive(row)
  }

  /** Whether a row names the file. */
  uses(name: string): boolean {
    return this.#all('SELECT 1 FROM resumes WHERE pdf = ?1 OR photos = ?1', name).length > 0
  }

  /**
   * Adds a row, or changes one, with what `fill` puts into a draft, whose files are stored as they come. If anything fails, up to the row itself, they are
   * removed again. Files that the row had before are deleted when it is written. Returns the row's id; undefined when there is no such row.
   */
  save(
    id: number | undefined,
    fill: (draft: Draft) => Promise<void>,
    signal?: AbortSignal,
  ): Promise<number | undefined> {
    return this.model.step(async files => {
      const draft = new Draft(this.model, files, signal)
      await fill(draft)
      signal?.throwIfAborted()
      if (id === undefined) return this.#insert(draft.values as Row)
      if (await this.#update(id, draft.values as Row)) return id
      await files.rollback()
      return undefined
    })
  }

  /** Deletes a row, and then its files. */
  delete(id: number): Promise<boolean> {
    return this.model.step(async files => {
      const [row] = this.#all('DELETE FROM resumes WHERE id = ? RETURNING *', id)
      if (row !== undefined) await this.model.release(row, undefined, files)
      return row !== undefined
    })
  }

  close(): void {
    this.#unregister()
    this.#database.close()
  }

  #insert(values: Row): number {
    const columns = Object.keys(values)
    const marks = columns.map(() => '?')
    const query = `INSERT INTO resumes (${columns}) VALUES (${marks}) RETURNING id`
    return this.#all(query, ...Object.values(values))[0]!['id'] as number
  }

  /** The files that the row has at this moment are the ones that go, whatever was read before: others may change it, too. */
  async #update(id: number, values: Row): Promise<boolean> {
    const columns = Object.keys(values).map(column => `${column} = ?`)
    const before = transaction(this.#database, () => {
      const [row] = this.#all('SELECT * FROM resumes WHERE id = ?', id)
      if (row !== undefined && columns.length > 0) {
        this.#all(`UPDATE resumes SET ${columns} WHERE id = ?`, ...Object.values(values), id)
      }
      return row
    })
    const files = FileTransaction.current()
    if (before !== undefined && files !== undefined) await this.model.release(before, values, files)
    return before !== undefined
  }

  /** Makes `FieldFile`s of the names in a row, which `save` and `delete` of a file write back. */
  #revive(row: Row): Resume {
    const persist = async (values: object): Promise<void> =>
      void (await this.#update(row['id'] as number, values as Row))
    return this.model.revive(row, () => ({ row, persist })) as unknown as Resume
  }

  #all(query: string, ...values: SQLInputValue[]): Row[] {
    return this.#database.prepare(query).all(...values) as Row[]
  }
}
