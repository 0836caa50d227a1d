import type { Document } from 'mongoose'
import { FieldFile, type FileModel, type FileTransaction } from '../../fields/index.ts'
import { pending } from './file-path.ts'
import { filesOf } from './sessions.ts'

type Doc = Record<string, unknown>
// biome-ignore lint/suspicious/noExplicitAny: methods and results of the driver
type Any = any
type Methods = Record<string, (...args: Any[]) => Any>

const CHANGES = ['updateOne', 'updateMany', 'findOneAndUpdate', 'deleteOne', 'deleteMany', 'findOneAndDelete']

/**
 * Sees to the files of what is written to a collection, where all writes of Mongoose end, after hooks and validation and with their session.
 * Returns the methods that replace the collection's.
 */
export function writesOf(collection: Methods, model: FileModel): Methods {
  const raw: Methods = {}
  for (const name of ['find', 'insertOne', 'insertMany', ...CHANGES]) raw[name] = collection[name]!.bind(collection)
  const projection = Object.fromEntries(model.attributes.map(path => [path, 1]))

  /** Stores the content of documents, and writes; what was stored for nothing is removed. */
  function step(
    given: readonly Doc[],
    options: Any,
    write: (stored: Doc[], files: FileTransaction) => Any,
  ): Promise<Any> {
    const session = filesOf(options?.session, model.registry)
    return model.step(async files => {
      const stored: Doc[] = []
      for (const values of given) stored.push(await model.store(values, { row: rowOf(values) ?? values, files }))
      const result = await write(stored, files)
      for (const [at, values] of given.entries()) session?.restores.push(settle(values, stored[at]!))
      return result
    }, session?.files)
  }

  /** Writes; returns the result too, and the documents as they were: of one by the write itself, so that no other comes between. */
  async function change(name: string, args: Any[], options: Any): Promise<[result: Any, before: Doc[]]> {
    if (name !== 'updateOne' && name !== 'deleteOne') {
      const { session, sort } = options
      const limit = name.endsWith('Many') ? 0 : 1
      const before = await (await raw['find']!(args[0], { session, sort, limit, projection })).toArray()
      return [await raw[name]!(...args, options), before]
    }
    const how = { ...options, projection, returnDocument: 'before', includeResultMetadata: true }
    const { value, lastErrorObject } = await raw[name === 'updateOne' ? 'findOneAndUpdate' : 'findOneAndDelete']!(
      ...args,
      how,
    )
    const count = value === null ? 0 : 1
    const upsertedId = lastErrorObject?.upserted ?? null
    const updated = {
      matchedCount: count,
      modifiedCount: count,
      upsertedId,
      upsertedCount: upsertedId === null ? 0 : 1,
    }
    return [
      { acknowledged: true, ...(name === 'updateOne' ? updated : { deletedCount: count }) },
      value === null ? [] : [value],
    ]
  }

  const methods: Methods = {
    insertOne: (document, options) => step([document], options, ([stored]) => raw['insertOne']!(stored, options)),
    insertMany: (documents, options) => step(documents, options, stored => raw['insertMany']!(stored, options)),
  }
  for (const name of CHANGES) {
    methods[name] = (filter: Doc, ...rest: Any[]) => {
      const isDelete = /delete/i.test(name)
      const update = isDelete ? {} : rest[0]
      const options = (isDelete ? rest[0] : rest[1]) ?? {}
      const unset = Object.fromEntries(Object.keys(update.$unset ?? {}).map(path => [path, null]))
      if (!isDelete && !model.concerns({ ...unset, ...update.$set })) return raw[name]!(filter, ...rest)
      return step([update.$set ?? {}], options, async ([stored], files) => {
        const $set = stored
        const made = update.$set === undefined ? update : { ...update, $set }
        const [result, before] = await change(name, isDelete ? [filter] : [filter, made], options)
        for (const old of before) await model.release(old, isDelete ? undefined : { ...unset, ...stored }, files)
        if (before.length === 0 && !options.upsert) await model.release(stored!, undefined, files)
        return result
      })
    }
  }
  return methods
}

function rowOf(values: Doc): Document | undefined {
  const file = Object.values(values).find(value => value instanceof FieldFile && value.row !== undefined)
  return (file as FieldFile | undefined)?.row as Document | undefined
}

/** After a write: the files of the document are stored ones, and it has the columns of its pictures. Returns what takes that back. */
function settle(given: Doc, stored: Doc): () => void {
  const row = rowOf(given)
  const undo: (() => void)[] = []
  for (const [path, value] of Object.entries(stored)) {
    const file = given[path]
    if (file instanceof FieldFile && file.pending !== undefined) {
      const upload = file.pending
      delete (file.settle(value as string) as { prototype?: unknown }).prototype
      undo.push(() => {
        pending(file, upload)
        row?.markModified(path)
      })
    } else if (!(path in given)) {
      row?.set(path, value)
      row?.unmarkModified(path)
    }
  }
  return () => {
    for (const one of undo) one()
  }
}
