import type { Document } from 'mongoose'
import { FieldFile, type FileModel, type FileTransaction } from '../../fields/index.ts'
import { filesOf } from './sessions.ts'

type Doc = Record<string, unknown>
// biome-ignore lint/suspicious/noExplicitAny: arguments and results of the driver
type Any = any
/** A collection of Mongoose. */
export type Methods = Record<string, (...args: Any[]) => Any>

const CHANGES = ['updateOne', 'updateMany', 'findOneAndUpdate', 'deleteOne', 'deleteMany', 'findOneAndDelete']
/** How often a document that others write is looked up. */
const ATTEMPTS = 20

/**
 * Methods for a collection that see to the files of what is written. All writes of Mongoose end there, after hooks and validation, and with their
 * session.
 */
export function writesOf(collection: Methods, model: FileModel): Methods {
  const raw: Methods = {}
  for (const name of ['find', 'insertOne', 'insertMany', ...CHANGES]) raw[name] = collection[name]!.bind(collection)
  const projection = Object.fromEntries(model.attributes.map(path => [path, 1]))
  const none = Object.fromEntries(model.attributes.map(path => [path, null]))

  /** Stores the content of documents, and writes. */
  function step(given: Doc[], options: Any, write: (stored: Doc[], files: FileTransaction) => Any): Promise<Any> {
    const session = filesOf(options?.session, model.registry)
    return model.step(async files => {
      const stored: Doc[] = []
      for (const values of given) stored.push(await model.store(values, { row: rowOf(values), files }))
      const result = await write(stored, files)
      for (const [at, values] of given.entries()) session?.restores.push(settle(values, stored[at]!))
      return result
    }, session?.files)
  }

  function change(name: string, filter: Doc, update: Any, options: Any): Promise<Any> {
    const { $set, $unset } = update ?? {}
    const after = { ...$set, ...Object.fromEntries(Object.keys($unset ?? {}).map(path => [path, null])) }
    if (update !== undefined && !model.concerns(after)) return raw[name]!(filter, update, options)
    return step([$set ?? {}], options, async ([stored], files) => {
      const args = update === undefined ? [] : [$set === undefined ? update : { ...update, $set: stored }]
      const { session, sort } = options
      const limit = name.endsWith('Many') ? 0 : 1
      for (let attempt = 0; ; attempt++) {
        const before: Doc[] = await (await raw['find']!(filter, { session, sort, limit, projection })).toArray()
        // One document is written only while it has these files, so that none is lost when others write it too.
        const isExact = limit === 1 && before.length === 1 && attempt < ATTEMPTS
        const exact = isExact ? { ...filter, ...none, ...before[0] } : filter
        const result = await raw[name]!(exact, ...args, isExact ? { ...options, upsert: false } : options)
        const found = name.startsWith('find') && !options.includeResultMetadata ? result : result.value
        if (isExact && (found === null || result.matchedCount === 0 || result.deletedCount === 0)) continue
        for (const old of before) await model.release(old, update && { ...after, ...stored }, files)
        // What was stored for no document goes: of the others, the database says that it is used.
        if (before.length === 0) await model.release(stored!, undefined, files)
        return result
      }
    })
  }

  const methods: Methods = {
    insertOne: (document, options) => step([document], options, ([stored]) => raw['insertOne']!(stored, options)),
    insertMany: (documents, options) => step(documents, options, stored => raw['insertMany']!(stored, options)),
  }
  for (const name of CHANGES) {
    methods[name] = /delete/i.test(name)
      ? (filter, options = {}) => change(name, filter, undefined, options)
      : (filter, update, options = {}) => change(name, filter, update, options)
  }
  return methods
}

function rowOf(values: Doc): Document | undefined {
  const files = Object.values(values).filter(value => value instanceof FieldFile)
  return files.find(({ row }) => row !== undefined)?.row as Document | undefined
}

/** After a write: its document has names, and the columns of pictures. Returns what takes that back. */
function settle(given: Doc, stored: Doc): () => void {
  const row = rowOf(given)
  const files = Object.values(given).filter(value => value instanceof FieldFile && !value.committed) as FieldFile[]
  const uploads = files.map(({ pending }) => pending!)
  for (const file of files) file.settle(stored[file.field.attribute] as string)
  for (const [path, value] of Object.entries(row === undefined ? {} : stored)) {
    if (value === given[path]) continue
    row?.set(path, given[path] instanceof FieldFile ? given[path] : value)
    row?.unmarkModified(path)
  }
  return () => {
    for (const [at, file] of files.entries()) row?.set(file.field.attribute, file.assign(uploads[at]!))
  }
}
