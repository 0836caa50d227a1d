import { StorageError } from '../../core/errors.ts'
import { FieldFile, type FileTransaction, storedFile, type Upload } from '../../fields/index.ts'
import { pendingFile, settledFile } from './file-path.ts'
import type { FilePlace } from './places.ts'

/** A document of MongoDB, or a part of one. */
export type Doc = Readonly<Record<string, unknown>>

interface StoredOne {
  readonly file: FieldFile
  readonly upload: Upload
  readonly name: string | null
  readonly columns: Doc
}

/** Replaces the content in what is written by the names of files, which it stores. */
export class FileWriter {
  readonly #places: readonly FilePlace[]
  readonly #files: FileTransaction
  readonly #stored: StoredOne[] = []
  /** The names that are written now, each with the path. */
  readonly names = new Set<string>()

  constructor(places: readonly FilePlace[], files: FileTransaction) {
    this.#places = places
    this.#files = files
  }

  /** A copy of a whole document with names. */
  async document(document: Doc): Promise<Doc> {
    let made: unknown = document
    for (const place of this.#places) made = await this.#inside(made, place.path.split('.'), place)
    return made as Doc
  }

  /** A copy of an update with names. A pipeline can have names alone. */
  async update(update: Doc | readonly Doc[]): Promise<Doc | Doc[]> {
    if (Array.isArray(update)) return update.map(stage => this.#checkedStage(stage as Doc))
    const made: Record<string, unknown> = { ...update }
    const row = { ...(made['$setOnInsert'] as Doc | undefined), ...(made['$set'] as Doc | undefined) }
    for (const operator of ['$set', '$setOnInsert', '$push', '$addToSet']) {
      const values = made[operator] as Doc | undefined
      if (values === undefined) continue
      const changed: Record<string, unknown> = { ...values }
      for (const [key, value] of Object.entries(values)) {
        for (const place of this.#places) await this.#entry(changed, key, value, place, row)
      }
      made[operator] = changed
    }
    return made
  }

  /** After the write: the files of documents are stored ones. Returns what takes that back. */
  settle(): () => void {
    for (const { file, name, columns } of this.#stored) {
      settledFile(file, name)
      const row = file.row as RowDocument | undefined
      for (const [path, value] of Object.entries(columns)) {
        row?.set(path, value)
        row?.unmarkModified(path)
      }
    }
    return () => {
      for (const { file, upload, name } of this.#stored) {
        if (file.name !== name || !file.committed) continue
        pendingFile(file, upload)
        ;(file.row as RowDocument | undefined)?.markModified(file.field.attribute)
      }
    }
  }

  async #entry(
    changed: Record<string, unknown>,
    key: string,
    value: unknown,
    place: FilePlace,
    row: Doc,
  ): Promise<void> {
    const path = pathOf(key)
    if (path === place.path) {
      const { name, columns } = await this.#store(value, place, row)
      changed[key] = name
      const prefix = key.slice(0, key.length - place.own.length)
      for (const [column, found] of Object.entries(columns)) changed[prefix + column] = found
    } else if (place.path.startsWith(`${path}.`)) {
      const parts = place.path.slice(path.length + 1).split('.')
      const each =
        typeof changed[key] === 'object' && changed[key] !== null ? (changed[key] as Doc)['$each'] : undefined
      changed[key] = Array.isArray(each)
        ? { ...(changed[key] as Doc), $each: await this.#inside(each, parts, place) }
        : await this.#inside(changed[key], parts, place)
    }
  }

  /** A copy of a value in which the file at the path is a name. */
  async #inside(value: unknown, parts: readonly string[], place: FilePlace): Promise<unknown> {
    if (Array.isArray(value)) {
      const items: unknown[] = []
      for (const item of value) items.push(await this.#inside(item, parts, place))
      return items
    }
    if (typeof value !== 'object' || value === null) return value
    const own = place.own.split('.')
    const made: Record<string, unknown> = { ...plain(value) }
    const [first = '', ...rest] = parts
    if (parts.length > own.length || (parts.length > 1 && !(first in made))) {
      if (first in made) made[first] = await this.#inside(made[first], rest, place)
      return made
    }
    const before = valueAt(made, parts)
    if (before === undefined) return made
    const { name, columns } = await this.#store(before, place, made)
    setAt(made, parts, name)
    const prefix = own.slice(0, own.length - parts.length)
    for (const [column, found] of Object.entries(columns)) setAt(made, column.split('.').slice(prefix.length), found)
    return made
  }

  async #store(value: unknown, { path, field }: FilePlace, row: Doc): Promise<{ name: string | null; columns: Doc }> {
    const file = value instanceof FieldFile ? value : undefined
    const stored = await field.store(value, { row: file?.row ?? row, files: this.#files })
    if (stored.name !== null) this.names.add(`${path} ${stored.name}`)
    if (file?.pending !== undefined) this.#stored.push({ ...stored, file, upload: file.pending })
    return { name: field.encode(stored.name), columns: stored.columns }
  }

  #checkedStage(stage: Doc): Doc {
    const made: Record<string, Record<string, unknown>> = {}
    for (const operator of ['$set', '$addFields']) {
      if (stage[operator] === undefined) continue
      made[operator] = { ...(stage[operator] as Doc) }
      for (const { path, field } of this.#places) {
        const value = made[operator][path]
        if (value instanceof FieldFile) made[operator][path] = field.encode(value)
        else if (field.isContent(value)) {
          const message = `'${path}': a pipeline takes the name of a stored file, not content that is not stored yet.`
          throw new StorageError('invalid_argument', message)
        }
      }
    }
    return { ...stage, ...made }
  }
}

interface RowDocument {
  set(path: string, value: unknown): unknown
  markModified(path: string): void
  unmarkModified(path: string): void
}

/** The places that an update can change. */
export function touchedBy(update: Doc | readonly Doc[], places: readonly FilePlace[]): readonly FilePlace[] {
  if (Array.isArray(update)) return places
  const paths = Object.entries(update as Doc).flatMap(([operator, value]) => {
    const keys = Object.keys((value ?? {}) as object)
    if (operator === '$rename') keys.push(...Object.values(value as Record<string, string>))
    return keys.map(pathOf)
  })
  return places.filter(place => paths.some(path => isWithin(place.path, path) || isWithin(path, place.path)))
}

/** Notes the files that a document had and that are not among the names. */
export async function releaseFiles(
  document: Doc,
  places: readonly FilePlace[],
  names: ReadonlySet<string>,
  files: FileTransaction,
): Promise<void> {
  for (const { path, field } of places) {
    for (const name of namesAt(document, path)) {
      if (!names.has(`${path} ${name}`)) files.released(await storedFile(field.storage, name))
    }
  }
}

/** The names at a path of a document, through arrays. */
export function namesAt(document: unknown, path: string): string[] {
  let found: unknown[] = [document]
  for (const part of path.split('.')) {
    found = found.flat(Number.POSITIVE_INFINITY).map(one => (one as Doc | null | undefined)?.[part])
  }
  return found.filter((name): name is string => typeof name === 'string' && name !== '')
}

/** A key of an update as a path: without indexes and `$`. */
function pathOf(key: string): string {
  const parts = key.split('.')
  return parts.filter(part => !/^(?:\d+|\$.*)$/.test(part)).join('.')
}

function isWithin(path: string, other: string): boolean {
  return path === other || path.startsWith(`${other}.`)
}

/** Documents in an update, as what is written of them. */
function plain(value: object): Doc {
  return '$__' in value ? (value as unknown as { toBSON(): Doc }).toBSON() : (value as Doc)
}

function valueAt(value: unknown, parts: readonly string[]): unknown {
  return parts.reduce<unknown>((found, part) => (found as Doc | null | undefined)?.[part], value)
}

/** Sets a value in a copy of which the parts on the way are copies too. */
function setAt(made: Record<string, unknown>, parts: readonly string[], value: unknown): void {
  const [first = '', ...rest] = parts
  if (rest.length === 0) made[first] = value
  else {
    const inner = { ...(made[first] as Doc) }
    made[first] = inner
    setAt(inner, rest, value)
  }
}
