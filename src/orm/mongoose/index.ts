import type { Schema } from 'mongoose'
import { ImproperlyConfigured } from '../../core/errors.ts'
import { FileField, type FileRegistry, fileModel, fileRegistry } from '../../fields/index.ts'
import { attachedFields } from './file-type.ts'
import { type Any, writesOf } from './writes.ts'

export { type FileType, fileType } from './file-type.ts'

const detachers = new WeakMap<object, () => void>()

/**
 * Returns the plugin for schemas with files: content is uploaded before a document is written, and files that documents no longer contain
 * are removed after the commit. Files in subdocuments, arrays and maps are `improperly_configured`.
 * @example
 * schema.plugin(mongooseFiles())
 */
export function mongooseFiles({ registry = fileRegistry }: { registry?: FileRegistry } = {}): (schema: Schema) => void {
  return schema => {
    fieldsOf(schema)
    schema.on('init', (model: Any) => attach(model, registry))
  }
}

/** Ends the plugin's work for the collection of a model; its paths no longer count as users of files. */
export function detachFiles({ collection }: { readonly collection: object }): void {
  detachers.get(collection)?.()
  detachers.delete(collection)
}

function fieldsOf(schema: Schema, seen = new Set<Schema>()): Record<string, FileField> {
  const fields: Record<string, FileField> = {}
  seen.add(schema)
  schema.eachPath((path, type) => {
    const { options, schema: inner }: Any = type.getEmbeddedSchemaType() ?? type
    const isDeep = inner && !seen.has(inner) && Object.keys(fieldsOf(inner, seen)).length > 0
    if (!isDeep && !(options.file instanceof FileField)) return
    if (isDeep || type.getEmbeddedSchemaType() !== undefined || path.includes('.'))
      throw new ImproperlyConfigured(`'${path}': files can only be at the first level of a document; make it a model.`)
    fields[path] = options.file.bind(path)
  })
  return fields
}

function attach({ collection, schema }: Any, registry: FileRegistry): void {
  const fields = fieldsOf(schema)
  if (detachers.has(collection) || Object.keys(fields).length === 0) return
  for (const field of Object.values(fields)) attachedFields.add(field)
  const model = fileModel(collection.name, fields, registry)
  const forget = model.addUsers(async (path, names) => {
    const options = { projection: { [path]: 1 }, readPreference: 'primary' }
    const found = await (await collection.find({ [path]: { $in: names } }, options)).toArray()
    return found.map((document: Any) => document[path])
  })
  const methods = writesOf(collection, model)
  Object.assign(collection, methods)
  detachers.set(collection, () => {
    forget()
    for (const name of Object.keys(methods)) delete collection[name]
  })
}
