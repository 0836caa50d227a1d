import type { CallContext } from '../../core/call.ts'
import type { Content } from '../../core/content.ts'
import type {
  DeleteOptions,
  DeleteResult,
  Driver,
  Features,
  Page,
  PageRequest,
  ReadOptions,
  ReadResult,
  Stat,
  StatOptions,
  SweepRequest,
  Visibility,
  WriteOptions,
} from '../../core/driver.ts'
import { type ErrorCode, isStorageError } from '../../core/errors.ts'
import { attributesOnly } from '../../storage/write.ts'
import { conditionsFor, currentCopy, outdated, takenMeanwhile, versionIn } from './conditions.ts'
import type { LateCopies } from './late-copies.ts'
import { mergedPage } from './merged-page.ts'
import { mirroredWrite } from './mirrored-write.ts'
import type { Caller, Side } from './side.ts'
import type { Sides } from './sides.ts'
import { uploadsOver } from './uploads.ts'

/** What a `MigratingDriver` uses. */
export interface MigratingDriverOptions {
  readonly sides: Sides
  readonly copies: LateCopies
  /** Whether a file that was read in `from` is offered for a copy. */
  readonly copyOnRead: boolean
}

/** Files in two storages while they move from one to the other. Each call passes the layers of the storages that it uses. */
export class MigratingDriver implements Driver {
  readonly name: string = 'migrating'
  readonly uploadTarget?: NonNullable<Driver['uploadTarget']>
  readonly resumable?: NonNullable<Driver['resumable']>
  readonly publicUrl?: NonNullable<Driver['publicUrl']>
  readonly signUrl?: NonNullable<Driver['signUrl']>
  readonly address?: NonNullable<Driver['address']>
  readonly visibility?: NonNullable<Driver['visibility']>
  readonly setVisibility?: NonNullable<Driver['setVisibility']>
  readonly createContainer?: NonNullable<Driver['createContainer']>
  readonly sweep?: NonNullable<Driver['sweep']>
  readonly #sides: Sides
  readonly #copies: LateCopies
  readonly #copyOnRead: boolean

  constructor({ sides, copies, copyOnRead }: MigratingDriverOptions) {
    this.#sides = sides
    this.#copies = copies
    this.#copyOnRead = copyOnRead && sides.fallsBack
    const { first, second } = sides
    const own = first.driver
    const both = [first, second]
    if (own.resumable !== undefined) this.resumable = uploadsOver(sides)
    if (own.uploadTarget !== undefined) {
      this.uploadTarget = (key, options, limits, { signal }) => {
        const ref = first.ref(key)
        const write = { ...first.storage.writeOptions(ref, attributesOnly, options) }
        return first.storage.calls.local('uploadTarget', ref, { signal }, ctx =>
          own.uploadTarget!(ref.key, write, limits, ctx),
        )
      }
    }
    if (own.publicUrl !== undefined) this.publicUrl = key => own.publicUrl!(first.ref(key).key)
    if (own.signUrl !== undefined) {
      this.signUrl = (key, options, ctx) => {
        const ref = first.ref(key)
        return own.signUrl!(ref.key, { ...options, objectParameters: ref.objectParameters }, ctx)
      }
    }
    if (own.address !== undefined) {
      this.address = async (key, ctx) => `${own.name} ${await own.address!(first.ref(key).key, ctx)}`
    }
    if (own.visibility !== undefined) this.visibility = (key, { signal }) => this.#visibility(key, { signal })
    if (own.setVisibility !== undefined) {
      this.setVisibility = (key, visibility, { signal }) => this.#setVisibility(key, visibility, { signal })
    }
    if (own.createContainer !== undefined) {
      this.createContainer = ({ signal }) => first.storage.createContainer({ signal })
    }
    if (both.some(({ driver }) => driver.sweep !== undefined)) this.sweep = (request, ctx) => this.#sweep(request, ctx)
  }

  /** What both storages can, where a call may use both; otherwise what the storage can that is looked up first. */
  get features(): Features {
    const { first, second, fallsBack } = this.#sides
    const { ranges, exclusiveCreate, ifMatch, metadata, deleteIfMatch, versions, listRange } = first.features
    const other = second.features
    return {
      ranges: ranges && (!fallsBack || other.ranges),
      exclusiveCreate,
      ifMatch,
      deleteIfMatch: deleteIfMatch === true && (!fallsBack || other.deleteIfMatch === true),
      metadata,
      versions: versions === true || (fallsBack && other.versions === true),
      listRange: listRange === true && (!fallsBack || other.listRange === true),
    }
  }

  async discover({ signal }: CallContext): Promise<Features> {
    const { first, second } = this.#sides
    await Promise.all([first, second].map(({ storage }) => storage.discover({ signal })))
    return this.features
  }

  stat(key: string, ctx: CallContext, { versionId }: StatOptions = {}): Promise<Stat> {
    if (versionId === undefined) return this.#found(side => side.stat(key, ctx))
    const version = versionIn(this.#sides, versionId)
    return version.side.stat(key, ctx, version.etag)
  }

  async read(key: string, options: ReadOptions, ctx: CallContext): Promise<ReadResult> {
    const { range, ifMatch, versionId } = options
    const pinned = ifMatch ?? versionId
    if (pinned === undefined) return this.#found(side => this.#readIn(side, key, { range }, ctx))
    const { side, etag } = versionIn(this.#sides, pinned)
    const version = {
      ifMatch: ifMatch === undefined ? undefined : etag,
      versionId: versionId && versionIn(this.#sides, versionId).etag,
    }
    if (side !== this.#sides.first && !this.#sides.fallsBack) throw outdated(key)
    return this.#readIn(side, key, { range, ...version }, ctx)
  }

  async #readIn(side: Side, key: string, options: ReadOptions, ctx: CallContext): Promise<ReadResult> {
    const result = await side.read(key, options, ctx)
    if (this.#copyOnRead && side === this.#sides.second && options.versionId === undefined) this.#copies.offer(key)
    return result
  }

  write(key: string, content: Content, options: WriteOptions, ctx: CallContext): Promise<Stat | undefined> {
    const { ifMatch } = options
    const { first } = this.#sides
    const isOfFirst = ifMatch === undefined || versionIn(this.#sides, ifMatch).side === first
    if (isOfFirst && !this.#copyOnRead) return this.#write(key, content, options, ctx)
    // A copy of that version would take the name meanwhile, or set the time of the new file.
    return this.#copies.hold([key], ctx.signal, () => this.#write(key, content, options, ctx))
  }

  async #write(key: string, content: Content, options: WriteOptions, ctx: CallContext): Promise<Stat | undefined> {
    const conditions = await conditionsFor(this.#sides, key, options, ctx)
    const own = { ...options, ...conditions }
    const { first, mirrors } = this.#sides
    if (mirrors) return mirroredWrite(this.#sides, key, content, own, options, ctx)
    return first.write(key, content, own, ctx).catch(error => {
      throw takenMeanwhile(error, key, options)
    })
  }

  /** Deletes the file in both storages. The one that shows the file otherwise comes last, so that no half-deleted file appears again. */
  delete(key: string, ctx: CallContext, { ifMatch }: DeleteOptions = {}): Promise<void> {
    return this.#copies.hold([key], ctx.signal, () => this.#delete(key, ifMatch, ctx))
  }

  async #delete(key: string, ifMatch: string | undefined, ctx: CallContext): Promise<void> {
    const { first, second, fallsBack } = this.#sides
    if (!fallsBack) {
      const condition = ifMatch === undefined ? undefined : versionIn(this.#sides, ifMatch)
      if (condition !== undefined && condition.side !== first) throw outdated(key)
      await first.delete(key, condition?.etag, ctx)
      return this.#deleteIn(second, key, undefined, ctx, first)
    }
    if (ifMatch === undefined) {
      await second.delete(key, undefined, ctx)
      return this.#deleteIn(first, key, undefined, ctx, second)
    }
    const { side, etag } = versionIn(this.#sides, ifMatch)
    if (side === second) {
      const copy = await currentCopy(this.#sides, key, ifMatch, ctx)
      await second.delete(key, etag, ctx)
      if (copy !== undefined) return this.#deleteIn(first, key, copy, ctx, second)
      // Another process has copied that version, or stored a newer one; it removes a copy that is outdated.
      if ((await first.find(key, ctx)) !== undefined) throw outdated(key, 'unknown')
      return
    }
    if ((await first.find(key, ctx))?.etag !== ifMatch) throw outdated(key)
    await second.delete(key, undefined, ctx)
    await first.delete(key, etag, ctx)
  }

  async #deleteIn(side: Side, key: string, etag: string | undefined, ctx: Caller, done: Side): Promise<void> {
    try {
      await side.delete(key, etag, ctx)
    } catch (error) {
      // A folder with files in one of the storages stays.
      if (isStorageError(error, 'is_directory', 'not_empty')) throw error
      throw side.failure(error, `'${key}' is deleted in '${done.title}'`)
    }
  }

  deleteMany(keys: readonly string[], ctx: CallContext): Promise<readonly DeleteResult[]> {
    const { first, second, fallsBack } = this.#sides
    const [before, after] = fallsBack ? [second, first] : [first, second]
    return this.#copies.hold(keys, ctx.signal, async () => {
      const begun = await before.deleteMany(keys, ctx)
      const failed = new Map(begun.filter(({ error }) => error !== undefined).map(each => [each.key, each]))
      const left = keys.filter(key => !failed.has(key))
      const rest = await after.deleteMany(left, ctx).catch(error => {
        throw after.failure(error, `${left.length} files are deleted in '${before.title}'`)
      })
      const done = new Map(rest.map(each => [each.key, each]))
      return keys.map(key => failed.get(key) ?? this.#result(done.get(key)!, before, after))
    })
  }

  #result({ key, error }: DeleteResult, before: Side, after: Side): DeleteResult {
    if (error === undefined || isStorageError(error, 'is_directory', 'not_empty')) return { key, error }
    return { key, error: after.failure(error, `'${key}' is deleted in '${before.title}'`) }
  }

  list(prefix: string, page: PageRequest, ctx: CallContext): Promise<Page> {
    const { first, fallsBack } = this.#sides
    return fallsBack ? mergedPage(this.#sides, prefix, page, ctx) : first.list(prefix, page, ctx)
  }

  parts(key: string): ReadonlyArray<{ readonly driver: Driver; readonly key: string }> {
    return [this.#sides.first, this.#sides.second].map(side => ({ driver: side.driver, key: side.ref(key).key }))
  }

  classify(error: unknown): ErrorCode | undefined {
    return isStorageError(error) ? error.code : undefined
  }

  async close(): Promise<void> {
    await this.#copies.settled()
    const { first, second } = this.#sides
    await Promise.all([first, second].map(({ storage }) => storage.close()))
  }

  /** Returns the storage that has the file; the first one where neither has it. */
  async holder(key: string, caller: Caller): Promise<Side> {
    const { first, second, fallsBack } = this.#sides
    const found = fallsBack && (await first.find(key, caller))
    if (found === false || (found !== undefined && !isFolder(found))) return first
    const other = await second.find(key, caller)
    return other === undefined || (found !== undefined && isFolder(other)) ? first : second
  }

  /**
   * Asks the first storage, and the second one for what the first lacks, or has as a folder: a folder hides no file of the other storage.
   * Where both lack the file, the result is that of the first.
   */
  async #found<T extends Stat | ReadResult>(ask: (side: Side) => Promise<T>): Promise<T> {
    const { first, second, fallsBack } = this.#sides
    if (!fallsBack) return ask(first)
    let folder: T | undefined
    let error: unknown
    try {
      const found = await ask(first)
      if (!isFolder(found)) return found
      folder = found
    } catch (failure) {
      if (!isStorageError(failure, 'not_found', 'not_a_directory', 'is_directory')) throw failure
      error = failure
    }
    try {
      const other = await ask(second)
      return folder !== undefined && isFolder(other) ? folder : other
    } catch (failure) {
      if (!isStorageError(failure, 'not_found', 'not_a_directory')) throw failure
      if (folder !== undefined) return folder
      throw error
    }
  }

  async #visibility(key: string, caller: Caller): Promise<Visibility> {
    return (await this.holder(key, caller)).storage.visibility(key, caller)
  }

  async #setVisibility(key: string, visibility: Visibility, caller: Caller): Promise<void> {
    const { first, second, fallsBack, mirrors } = this.#sides
    if (fallsBack) await this.#copies.bring(key, caller.signal)
    await first.storage.setVisibility(first.entry(key), visibility, caller)
    if (!mirrors || !second.storage.supports('visibility')) return
    await second.storage.setVisibility(second.entry(key), visibility, caller).catch(error => {
      throw second.failure(error, `'${key}' is ${visibility} in '${first.title}'`)
    })
  }

  async #sweep({ prefix, minAgeMs, dryRun }: SweepRequest, { signal }: CallContext): Promise<number> {
    let count = 0
    for (const { driver, storage } of [this.#sides.first, this.#sides.second]) {
      if (driver.sweep === undefined) continue
      const path = prefix.replace(/\/$/, '')
      count += await storage.sweep({ path, minAgeSecs: minAgeMs / 1000, dryRun, signal })
    }
    return count
  }
}

function isFolder(found: Stat | ReadResult): boolean {
  return 'isDirectory' in found && found.isDirectory === true
}
