import type { Model, Schema } from 'mongoose'
import { ImproperlyConfigured } from '../../core/errors.ts'
import { FileField, type FileRegistry, fileModel, fileRegistry } from '../../fields/index.ts'
import { type Methods, writesOf } from './writes.ts'

export { type FileType, fileType } from './file-type.ts'

// biome-ignore lint/suspicious/noExplicitAny: models of any documents
type Any = any
type AnyModel = Model<Any, Any, Any, Any, Any, Any, Any>
type Fields = Record<string, FileField>

const attached = new WeakMap<object, { readonly fields: Fields; detach(): void }>()

/**
 * The plugin for schemas with files: content is uploaded before a document is written, and files that documents have no longer go after the
 * commit. Files in subdocuments, arrays and maps are `improperly_configured`.
 * @example
 * schema.plugin(mongooseFiles())
 */
export function mongooseFiles({ registry = fileRegistry }: { registry?: FileRegistry } = {}): (schema: Schema) => void {
  return schema => {
    fieldsOf(schema)
    // Mongoose emits it when a model is made.
    schema.on('init', (model: AnyModel) => attach(model, registry))
  }
}

/** Ends what the plugin does for the collection of a model, whose paths are no users of files any more. */
export function detachFiles({ collection }: AnyModel): void {
  attached.get(collection)?.detach()
  attached.delete(collection)
}

function fieldsOf(schema: Schema, seen = new Set<Schema>()): Fields {
  const fields: Fields = {}
  seen.add(schema)
  schema.eachPath((path, type) => {
    const { options, schema: inner }: Any = type.getEmbeddedSchemaType() ?? type
    const isDeep = inner && !seen.has(inner) && Object.keys(fieldsOf(inner, seen)).length > 0
    if (!isDeep && !(options.file instanceof FileField)) return
    if (isDeep || type.getEmbeddedSchemaType() !== undefined || path.includes('.')) {
      throw new ImproperlyConfigured(`'${path}': files can only be at the first level of a document; make it a model.`)
    }
    fields[path] = options.file.bind(path)
  })
  return fields
}

function attach({ collection, schema }: AnyModel, registry: FileRegistry): void {
  const before = attached.get(collection)
  // The models of discriminators share a collection.
  const fields = { ...before?.fields, ...fieldsOf(schema) }
  if (Object.keys(fields).every(path => fields[path] === before?.fields[path])) return
  before?.detach()
  const model = fileModel(collection.name, fields, registry)
  const own = collection as unknown as Methods
  const forget = model.addUsers(async (path, names) => {
    const options = { projection: { [path]: 1 }, readPreference: 'primary' }
    const found = await (await own['find']!({ [path]: { $in: names } }, options)).toArray()
    return found.map((document: Any) => document[path])
  })
  const methods = writesOf(own, model)
  Object.assign(own, methods)
  const detach = (): void => {
    forget()
    for (const name of Object.keys(methods)) delete own[name]
  }
  attached.set(collection, { fields, detach })
}
