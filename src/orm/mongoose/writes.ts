import { Document } from 'mongoose'
import { FieldFile, type FileModel, type FileTransaction } from '../../fields/index.ts'
import { refuseContent } from '../refuse-content.ts'
import { filesOf } from './sessions.ts'

type Doc = Record<string, unknown>
// biome-ignore lint/suspicious/noExplicitAny: arguments and results of the driver
export type Any = any
export type Methods = Record<string, (...args: Any[]) => Any>

const UPDATES = ['updateOne', 'updateMany', 'findOneAndUpdate', 'replaceOne', 'findOneAndReplace']
const CHANGES = [...UPDATES, 'deleteOne', 'deleteMany', 'findOneAndDelete']

/** Returns the methods of a collection that handle files. All writes of Mongoose end in these, after hooks and validation. */
export function writesOf(collection: Methods, model: FileModel): Methods {
  const names = ['find', 'insertOne', 'insertMany', 'bulkWrite', ...CHANGES]
  const raw: Methods = Object.fromEntries(names.map(name => [name, collection[name]!.bind(collection)]))
  const projection = Object.fromEntries(model.attributes.map(path => [path, 1]))
  const none = Object.fromEntries(model.attributes.map(path => [path, null]))

  /** Stores the content of documents, and writes. */
  function step(given: Doc[], options: Any, write: (stored: Doc[], files: FileTransaction) => Any): Promise<Any> {
    const work = async (files: FileTransaction): Promise<Any> => {
      const stored: Doc[] = []
      for (const values of given) {
        const file: Any = Object.values(values).find((v: Any) => v instanceof FieldFile && v.row instanceof Document)
        stored.push(await model.store(values, { row: file?.row, files }))
        if (file !== undefined) settle(file.row, values, stored.at(-1)!, files)
      }
      return write(stored, files)
    }
    return model.step(work, filesOf(options?.session, model.registry))
  }

  function change(name: string, filter: Doc, ...rest: Any[]): Promise<Any> {
    const [update, options = {}]: Any[] = /delete/i.test(name) ? [undefined, ...rest] : rest
    const { $set = {}, $unset = {}, ...others } = update ?? {}
    refuseContent(Array.isArray(update) ? update : others, model)
    const after = { ...$set, ...Object.fromEntries(Object.keys($unset).map(path => [path, null])) }
    if (update !== undefined && !model.concerns(after)) return raw[name]!(filter, ...rest)
    return step([$set], options, async ([stored], files) => {
      const args = update === undefined ? [] : [update.$set === undefined ? update : { ...update, $set: stored }]
      const how = { session: options.session, sort: options.sort, limit: name.endsWith('Many') ? 0 : 1, projection }
      for (let attempt = 0; ; attempt++) {
        const before: Doc[] = await (await raw['find']!(filter, how)).toArray()
        // One document is written only while it has these files, so that none is lost in parallel writes.
        const isExact = how.limit === 1 && before.length === 1 && attempt < 20
        const exact = isExact ? { ...filter, ...none, ...before[0] } : filter
        const result = await raw[name]!(exact, ...args, isExact ? { ...options, upsert: false } : options)
        const found = name.startsWith('find') && !options.includeResultMetadata ? result : result.value
        if (isExact && (found === null || result.matchedCount === 0 || result.deletedCount === 0)) continue
        for (const old of before) await model.release(old, update && { ...after, ...stored }, files)
        if (before.length === 0 && !options.upsert) await files.rollback()
        return result
      }
    })
  }

  return {
    insertOne: (document, options) => step([document], options, ([stored]) => raw['insertOne']!(stored, options)),
    insertMany: (documents, options) => step(documents, options, stored => raw['insertMany']!(stored, options)),
    ...Object.fromEntries(CHANGES.map(name => [name, async (...args: [Doc]) => change(name, ...args)])),
    async bulkWrite(writes, options) {
      refuseContent(writes.flatMap(Object.values).map(Object.values), model)
      return raw['bulkWrite']!(writes, options)
    },
  }
}

/** Sets the names in a document in place of content, and the columns of pictures; a rollback reverts this. */
function settle(row: Any, given: Doc, stored: Doc, files: FileTransaction): void {
  for (const [path, value] of Object.entries(stored)) {
    const was: Any = given[path]
    if (was === value) continue
    const upload = was instanceof FieldFile ? was.pending : undefined
    if (upload !== undefined) was.settle(value)
    row.set(path, was instanceof FieldFile ? was : value)
    row.unmarkModified(path)
    files.onRollback(() => row.set(path, upload === undefined ? was : was.assign(upload)))
  }
}
