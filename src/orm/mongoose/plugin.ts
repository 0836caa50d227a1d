import type { Model, Schema } from 'mongoose'
import { ImproperlyConfigured } from '../../core/errors.ts'
import { type FieldFile, type FileRegistry, fileRegistry } from '../../fields/index.ts'
import { CollectionFiles } from './collection.ts'
import { type FilePlace, placesOf } from './places.ts'
import type { Doc } from './values.ts'

/** How `mongooseFiles` works. */
export interface MongooseFilesOptions {
  /** The registry of the fields; default the global one. */
  readonly registry?: FileRegistry | undefined
}

interface Attached {
  files: CollectionFiles
  detach(): void
}

/** Collections whose writes are watched. */
const attached = new WeakMap<object, Attached>()

/** Any model; Mongoose's parameters play no part. */
// biome-ignore lint/suspicious/noExplicitAny: models of any documents
export type AnyModel = Model<any, any, any, any, any, any, any>

/**
 * The plugin for schemas with files, also in their subdocuments: uploads what is assigned before it is written, and removes the files of
 * documents that were replaced or deleted. Files where none can be (in maps, as items of arrays) are `improperly_configured`.
 * @example
 * schema.plugin(mongooseFiles())
 * const Resume = model('Resume', schema)
 */
export function mongooseFiles({ registry = fileRegistry }: MongooseFilesOptions = {}): (schema: Schema) => void {
  return schema => {
    for (const { field } of placesOf(schema)) field.register(registry)
    // Mongoose emits it at the end of `model()`, and at each call of `Model.init()`.
    schema.on('init', (model: AnyModel) => attach(model, registry))
  }
}

/** Ends what `mongooseFiles` does for a model, and for all others of its collection: its columns are no longer registered. */
export function detachFiles(model: AnyModel): void {
  attached.get(model.collection)?.detach()
  attached.delete(model.collection)
}

/**
 * Makes `FieldFile`s of the names in what `lean()`, an aggregation, JSON or a cache returned; returns the same object. With its `_id`, `save`
 * and `delete` of files that are not in an array write the document.
 * @example
 * const resumes = (await Resume.find().lean()).map(row => reviveFiles(Resume, row))
 */
export function reviveFiles<R extends object>(model: AnyModel, row: R): Revived<R> {
  for (const place of placesOf(model.schema)) revive(model, row, row, place.path.split('.'), place)
  return row as Revived<R>
}

/** A document of `lean()` with its files. */
export type Revived<R> = R

function attach(model: AnyModel, registry: FileRegistry): void {
  const { collection } = model
  const before = attached.get(collection)
  const known = before?.files.places ?? []
  const places = [...known]
  for (const place of placesOf(model.schema)) {
    const other = places.find(({ path }) => path === place.path)
    if (other === undefined) places.push(place)
    else if (other.field !== place.field) {
      throw new ImproperlyConfigured(`Two file fields are at '${place.path}' of the collection '${collection.name}'.`)
    }
  }
  if (places.length === known.length) return
  before?.detach()
  const files = new CollectionFiles(collection, places, registry)
  const removers = places.map(({ path, field }) =>
    registry.add({ label: `${collection.name}.${path}`, field, used: names => files.used(path, names) }),
  )
  const detach = (): void => {
    files.detach()
    for (const remove of removers) remove()
  }
  attached.set(collection, { files, detach })
}

function revive(model: AnyModel, root: object, value: unknown, parts: readonly string[], place: FilePlace): void {
  if (Array.isArray(value)) for (const item of value) revive(model, root, item, parts, place)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return
  const [first = '', ...rest] = parts
  const inner = value as Record<string, unknown>
  if (rest.length > 0) revive(model, root, inner[first], rest, place)
  else inner[first] = fileOf(model, root as Doc, inner[first], place)
}

function fileOf(model: AnyModel, root: Doc, value: unknown, { path, own, field, isMany }: FilePlace): FieldFile {
  const name = typeof value === 'object' && value !== null ? (value as { name?: unknown }).name : value
  const { _id } = root
  const prefix = path.slice(0, path.length - own.length)
  const persist = async (values: Doc): Promise<void> => {
    const $set = Object.fromEntries(Object.entries(values).map(([key, found]) => [prefix + key, found]))
    const { matchedCount } = await model.updateOne({ _id }, { $set })
    if (matchedCount === 0) throw new ImproperlyConfigured(`No document has the _id ${String(_id)}.`)
  }
  const owner = isMany || _id === undefined ? undefined : { row: root, persist }
  return field.attach(typeof name === 'string' ? name : null, owner)
}
