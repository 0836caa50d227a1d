import type { mongo } from 'mongoose'
import { type FileRegistry, FileTransaction } from '../../fields/index.ts'
import type { FilePlace } from './places.ts'
import { filesOf } from './sessions.ts'
import { type Metadata, Step } from './step.ts'
import { type Doc, namesAt, touchedBy } from './values.ts'

interface Options extends Doc {
  readonly session?: mongo.ClientSession | null
}

type Update = Doc | readonly Doc[]
type Method = (...args: never[]) => unknown

/** Methods of a Mongoose collection, as they were. */
interface Writes {
  find(filter: Doc, options: Options): { toArray(): Promise<Doc[]> } | Promise<{ toArray(): Promise<Doc[]> }>
  findOne(filter: Doc, options: Options): Promise<Doc | null>
  insertOne(document: Doc, options?: Options): Promise<unknown>
  insertMany(documents: readonly Doc[], options?: Options): Promise<unknown>
  updateMany(filter: Doc, update: Update, options?: Options): Promise<unknown>
  updateOne(filter: Doc, update: Update, options?: Options): Promise<unknown>
  deleteMany(filter?: Doc, options?: Options): Promise<unknown>
  findOneAndUpdate(filter: Doc, update: Update, options: Options): Promise<unknown>
  findOneAndReplace(filter: Doc, replacement: Doc, options: Options): Promise<unknown>
  findOneAndDelete(filter: Doc, options: Options): Promise<unknown>
  bulkWrite(operations: readonly Doc[], options?: Options): Promise<unknown>
}

const NAMES = ['insertOne', 'insertMany', 'updateOne', 'updateMany', 'replaceOne', 'deleteOne', 'deleteMany'] as const
const AND = ['findOneAndUpdate', 'findOneAndReplace', 'findOneAndDelete', 'bulkWrite'] as const
/** What a search for the documents of a write takes of its options. */
const SEARCH = ['session', 'collation', 'hint', 'sort', 'let', 'comment'] as const
/** Filters in one search. */
const BATCH = 200
/** How often a document that changes meanwhile is looked at again. */
const ATTEMPTS = 50

/**
 * The writes of one collection with their files. All writes of Mongoose end here, after validation and hooks, with the session that they run
 * in; `lean`, `middleware: false` and calls of `Model.collection` too.
 */
export class CollectionFiles {
  readonly registry: FileRegistry
  readonly places: readonly FilePlace[]
  readonly #collection: object
  readonly #writes: Writes

  constructor(collection: object, places: readonly FilePlace[], registry: FileRegistry) {
    this.#collection = collection
    this.places = places
    this.registry = registry
    const methods = collection as Record<string, Method>
    this.#writes = Object.fromEntries(
      ['find', 'findOne', ...NAMES, ...AND].map(name => [name, methods[name]!.bind(collection)]),
    ) as unknown as Writes
    for (const name of [...NAMES, ...AND]) methods[name] = (this[name] as Method).bind(this)
  }

  /** The collection is as it was. */
  detach(): void {
    for (const name of [...NAMES, ...AND]) delete (this.#collection as Record<string, unknown>)[name]
  }

  /** Those of the names that documents have at a path, by a query of its own on the primary. */
  async used(path: string, names: readonly string[]): Promise<string[]> {
    const options = { projection: { _id: 0, [path]: 1 }, readPreference: 'primary' }
    const found = await this.#all({ [path]: { $in: names } }, options)
    return found.flatMap(document => namesAt(document, path))
  }

  insertOne(document: Doc, options?: Options): Promise<unknown> {
    return this.#step(options, async step => this.#writes.insertOne(await step.writer.document(document), options))
  }

  insertMany(documents: readonly Doc[], options?: Options): Promise<unknown> {
    return this.#step(options, async step => {
      const made: Doc[] = []
      for (const document of documents) made.push(await step.writer.document(document))
      return this.#writes.insertMany(made, options)
    })
  }

  /** By `findOneAndUpdate`, which returns the document as it was: no other write can come between. */
  updateOne(filter: Doc, update: Update, options: Options = {}): Promise<unknown> {
    const places = touchedBy(update, this.places)
    if (places.length === 0) return this.#writes.updateOne(filter, update, options)
    return this.#step(options, async step => {
      const made = await step.writer.update(update)
      const found = await this.#writes.findOneAndUpdate(filter, made, before(places, options))
      return step.updated(found as Metadata, places)
    })
  }

  replaceOne(filter: Doc, replacement: Doc, options: Options = {}): Promise<unknown> {
    return this.#step(options, async step => {
      const made = await step.writer.document(replacement)
      const found = await this.#writes.findOneAndReplace(filter, made, before(this.places, options))
      return step.updated(found as Metadata, this.places)
    })
  }

  deleteOne(filter: Doc = {}, options: Options = {}): Promise<unknown> {
    return this.#step(options, async step => {
      const found = (await this.#writes.findOneAndDelete(filter, before(this.places, options))) as Metadata
      if (found.value !== null) await step.release(found.value, this.places)
      return { acknowledged: true, deletedCount: found.value === null ? 0 : 1 }
    })
  }

  updateMany(filter: Doc, update: Update, options: Options = {}): Promise<unknown> {
    const places = touchedBy(update, this.places)
    if (places.length === 0) return this.#writes.updateMany(filter, update, options)
    return this.#step(options, async step => {
      const made = await step.writer.update(update)
      await this.#releaseAll(step, [filter], options, places)
      return step.checked(await this.#writes.updateMany(filter, made, options))
    })
  }

  deleteMany(filter: Doc = {}, options: Options = {}): Promise<unknown> {
    return this.#step(options, async step => {
      await this.#releaseAll(step, [filter], options, this.places)
      return this.#writes.deleteMany(filter, options)
    })
  }

  findOneAndUpdate(filter: Doc, update: Update, options: Options = {}): Promise<unknown> {
    const places = touchedBy(update, this.places)
    if (places.length === 0) return this.#writes.findOneAndUpdate(filter, update, options)
    return this.#step(options, async step => {
      const made = await step.writer.update(update)
      return this.#knowing(step, filter, options, places, (exact, how) =>
        this.#writes.findOneAndUpdate(exact, made, how),
      )
    })
  }

  findOneAndReplace(filter: Doc, replacement: Doc, options: Options = {}): Promise<unknown> {
    return this.#step(options, async step => {
      const made = await step.writer.document(replacement)
      return this.#knowing(step, filter, options, this.places, (exact, how) =>
        this.#writes.findOneAndReplace(exact, made, how),
      )
    })
  }

  findOneAndDelete(filter: Doc, options: Options = {}): Promise<unknown> {
    return this.#step(options, step =>
      this.#knowing(step, filter, options, this.places, (exact, how) => this.#writes.findOneAndDelete(exact, how)),
    )
  }

  bulkWrite(operations: readonly Doc[], options: Options = {}): Promise<unknown> {
    return this.#step(options, async step => {
      const made: Doc[] = []
      const filters: Doc[] = []
      for (const operation of operations) {
        const [[name, given] = ['', {}]] = Object.entries(operation as Record<string, Doc>)
        const { document, update, replacement, filter = {} } = given as Record<string, Doc | undefined>
        const changed: Record<string, unknown> = { ...given }
        if (document !== undefined) changed['document'] = await step.writer.document(document)
        if (replacement !== undefined) changed['replacement'] = await step.writer.document(replacement)
        if (update !== undefined) changed['update'] = await step.writer.update(update)
        if (document === undefined && (update === undefined || touchedBy(update, this.places).length > 0))
          filters.push(filter)
        made.push({ [name]: changed })
      }
      for (let at = 0; at < filters.length; at += BATCH) {
        await this.#releaseAll(step, filters.slice(at, at + BATCH), options, this.places)
      }
      return this.#writes.bulkWrite(made, options)
    })
  }

  /**
   * A write that says itself what it returns: the document is looked up before, and written only if it has the same files still. Files in arrays
   * are not compared, since MongoDB allows one condition on an array whose items an update names by `$`.
   */
  async #knowing(
    step: Step,
    filter: Doc,
    options: Options,
    places: readonly FilePlace[],
    run: (filter: Doc, options: Options) => Promise<unknown>,
  ): Promise<unknown> {
    const search = { ...picked(options), projection: projectionOf(places) }
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const seen = await this.#writes.findOne(filter, search)
      if (seen === null) break
      const same = places
        .filter(({ isMany }) => !isMany)
        .map(({ path }) => ({ [path]: namesAt(seen, path)[0] ?? { $in: [null, ''] } }))
      const found = await run({ $and: [filter, { _id: seen['_id'] }, ...same] }, { ...options, upsert: false })
      const value = options['includeResultMetadata'] === true ? (found as Metadata).value : found
      if (value === null) continue
      await step.release(seen, places)
      return found
    }
    const found = await run(filter, options)
    const value = options['includeResultMetadata'] === true ? (found as Metadata).value : found
    step.hasWritten = value !== null || options['upsert'] === true
    return found
  }

  async #releaseAll(
    step: Step,
    filters: readonly Doc[],
    options: Options,
    places: readonly FilePlace[],
  ): Promise<void> {
    const filter = filters.length === 1 ? filters[0]! : { $or: filters }
    const { sort: _sort, ...search } = picked(options)
    const found = await this.#all(filter, { ...search, projection: projectionOf(places) })
    for (const document of found) await step.release(document, places)
  }

  async #all(filter: Doc, options: Options): Promise<Doc[]> {
    const cursor = await this.#writes.find(filter, options)
    return cursor.toArray()
  }

  /** Runs a write with its files, in the transaction of its session. */
  async #step<T>(options: Options | undefined, work: (step: Step) => Promise<T>): Promise<T> {
    const session = filesOf(options?.session, this.registry)
    const step = new Step(this.places, this.registry, session?.files ?? FileTransaction.current())
    let result: T
    try {
      result = await work(step)
    } catch (error) {
      await step.undo()
      throw error
    }
    const restore = await step.done()
    if (restore !== undefined) session?.restores.push(restore)
    return result
  }
}

function before(places: readonly FilePlace[], options: Options): Options {
  return { ...options, projection: projectionOf(places), returnDocument: 'before', includeResultMetadata: true }
}

function projectionOf(places: readonly FilePlace[]): Doc {
  return Object.fromEntries(places.map(({ path }) => [path, 1]))
}

function picked(options: Options): Options {
  return Object.fromEntries(SEARCH.flatMap(name => (options[name] === undefined ? [] : [[name, options[name]]])))
}
