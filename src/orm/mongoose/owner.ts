import type { Document } from 'mongoose'
import { type FieldFile, FileTransaction, type Owner } from '../../fields/index.ts'
import { filesOf, sessionOf } from './sessions.ts'

/** A file that a document is to have as it is, and not as a copy. */
export class HeldFile {
  readonly file: FieldFile

  constructor(file: FieldFile) {
    this.file = file
  }
}

/** A document, or one in a document, as the owner of the file at one of its paths. */
export class DocumentOwner implements Owner {
  readonly row: Document
  readonly #path: string
  #file: FieldFile | undefined

  constructor(row: Document, path: string) {
    this.row = row
    this.#path = path
  }

  /** Sets the file that is this document's. */
  own(file: FieldFile): FieldFile {
    this.#file = file
    return file
  }

  /** Saves these paths of the document; all of a document that is new, or in another one. */
  async persist(values: Readonly<Record<string, unknown>>): Promise<void> {
    const { row } = this
    const root = rootOf(row)
    const columns = Object.entries(values).filter(([path]) => path !== this.#path)
    const before = columns.map(([path]) => [path, row.get(path) as unknown] as const)
    row.set(this.#path, new HeldFile(this.#file!))
    row.markModified(this.#path)
    for (const [path, value] of columns) row.set(path, value)
    try {
      await root.save(root === row && !root.isNew ? { pathsToSave: Object.keys(values) } : {})
    } catch (error) {
      for (const [path, value] of before) row.set(path, value)
      throw error
    }
  }

  transaction(): FileTransaction | undefined {
    const root = rootOf(this.row)
    return filesOf(sessionOf(root), this.#file!.field.registry)?.files ?? FileTransaction.current()
  }
}

function rootOf(row: Document): Document {
  return (row as { ownerDocument?(): Document }).ownerDocument?.() ?? row
}
