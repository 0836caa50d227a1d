import { isStorageError, StorageError } from '../core/errors.ts'
import type { AnyStorage } from '../storage/storage.ts'
import { ahead } from './ahead.ts'
import { nameFilter } from './checked-options.ts'
import { withClashes } from './clashes.ts'
import { findsFolding, hasFolders } from './folding.ts'
import { type Item, isPart } from './item.ts'
import { watchLeftOut } from './left-out.ts'
import { refuseOverlap } from './overlap.ts'
import { type ListingOptions, type NameRange, Side } from './side.ts'
import type { PlacesOptions } from './types.ts'
import { verbatimNames } from './verbatim.ts'

/** Default number of files in parallel. */
export const CONCURRENCY = 16

/** Both sides, how they are listed, and how names are matched. */
export class Places {
  readonly source: Side
  readonly target: Side
  readonly isFolded: boolean
  readonly #listing: ListingOptions
  readonly #marksClashes: boolean
  readonly #stopsWatching: () => void
  #leftOut = 0

  private constructor(source: Side, target: Side, listing: ListingOptions, marksClashes: boolean) {
    this.source = source
    this.target = target
    this.isFolded = listing.isFolded
    this.#listing = listing
    this.#marksClashes = marksClashes
    this.#stopsWatching = watchLeftOut(() => this.#leftOut++)
  }

  /** Checks both places, and rejects those that overlap. `isWriting`: the target will be changed. */
  static async of(
    source: AnyStorage,
    target: AnyStorage,
    options: PlacesOptions,
    {
      signal,
      isWriting,
      dryRun,
    }: { readonly signal: AbortSignal; readonly isWriting: boolean; readonly dryRun: boolean },
  ): Promise<Places> {
    const isVerbatim = verbatimNames(source, target)
    const from = new Side('source', source, options.sourcePath ?? '', isVerbatim)
    const to = new Side('target', target, options.targetPath ?? '', isVerbatim)
    if (isWriting) target.calls.begin('sync', to.folder, { signal }, !dryRun)
    await refuseOverlap(from, to, { signal, isWriting })
    const isFolded = options.foldsNames ?? (await findsFolding(to, dryRun || !isWriting))
    const listing = { signal, isFolded, isWanted: nameFilter(options) }
    return new Places(from, to, listing, isWriting && hasFolders(to))
  }

  /**
   * Whether a listing left out entries that could not be read, so that a missing file may exist. Local disks, FTP and SFTP report this as a
   * process warning with the code `HOLDALL_LEFT_OUT`.
   */
  get hasLeftOut(): boolean {
    return this.#leftOut > 0
  }

  /** Waits until warnings that were emitted so far have arrived. */
  async settled(): Promise<void> {
    await new Promise(resolve => setImmediate(resolve))
  }

  /** Whether `include` and `exclude` let a name take part. */
  isWanted(name: string): boolean {
    return this.#listing.isWanted(name)
  }

  /** Returns the files of the source; names that the target cannot store beside each other are marked. */
  listSource(range?: NameRange): AsyncIterable<Item> {
    const items = ahead(this.source.list({ ...this.#listing, range }))
    const named = this.isFolded ? withFolded(items) : items
    return this.#marksClashes ? withClashes(named) : named
  }

  listTarget(range?: NameRange): AsyncIterable<Item> {
    return ahead(this.target.list({ ...this.#listing, range }))
  }

  /** Fails with `not_found` if the source is missing, not empty: its name may be misspelt; with `not_a_directory` if it is a file. */
  async checkEmptySource(): Promise<void> {
    const { storage, folder } = this.source
    const { signal } = this.#listing
    if (folder === '') return
    const name = folder.slice(0, -1)
    const { isDirectory } = await storage.stat(name, { signal }).catch((error: unknown): never => {
      if (!isStorageError(error, 'not_found')) throw error
      throw new StorageError('not_found', `The source has no files: there is nothing at '${folder}'.`, {
        fileName: folder,
        cause: error,
      })
    })
    if (isDirectory) return
    throw new StorageError('not_a_directory', `The source '${name}' is a file: name the folder that it is in.`, {
      fileName: name,
    })
  }

  end(): void {
    this.#stopsWatching()
  }
}

/** Marks files whose names are the same name in the target. They come one after the other. */
async function* withFolded(items: AsyncIterable<Item>): AsyncGenerator<Item> {
  let group: Item[] = []
  for await (const item of items) {
    if (group.length > 0 && group[0]!.key !== item.key) {
      yield* marked(group)
      group = []
    }
    group.push(item)
  }
  yield* marked(group)
}

function marked(group: readonly Item[]): readonly Item[] {
  const wanted = group.filter(isPart)
  if (wanted.length < 2) return group
  return group.map(item => ({ ...item, clash: wanted.find(other => other !== item)!.name }))
}

/** The files of the target under a key. */
export interface Matched {
  /** The file that the source's file of this key is compared with; without one in the source, the first. */
  readonly target: Item | undefined
  /** The files that are certainly different ones. */
  readonly others: readonly Item[]
}

/**
 * Returns the file of the target that corresponds to a file of the source. Keys fold more than some targets do (`straße` and `STRASSE`), so
 * a name that differs in more than its letter case neither matches nor certainly is another file. A name that is listed twice is
 * `unavailable`.
 */
export function matched(items: readonly Item[], source: Item | undefined): Matched {
  const files = filesOf(items, 'target')
  if (files.length === 0) return { target: items[0], others: [] }
  const target =
    source === undefined
      ? files[0]
      : (files.find(({ name }) => name === source.name) ?? files.find(({ name }) => isAlike(name, source.name)))
  return { target, others: target === undefined ? [] : files.filter(file => file !== target) }
}

function isAlike(one: string, other: string): boolean {
  return one.normalize('NFC').toLowerCase() === other.normalize('NFC').toLowerCase()
}

/** Returns the item of the source under a key: one that takes part, if any does. */
export function sourceOf(items: readonly Item[]): Item | undefined {
  const files = filesOf(items, 'source')
  return files.find(isPart) ?? files[0] ?? items[0]
}

/** Returns the items of a key without the objects that represent folders. */
function filesOf(items: readonly Item[], title: string): readonly Item[] {
  const files = items.filter(({ odd }) => odd !== 'folder')
  const twice = files.find(({ name }, index) => index > 0 && name === files[index - 1]!.name)
  if (twice === undefined) return files
  const text = `The listing of the ${title} cannot be relied on: it has '${twice.name}' twice.`
  throw new StorageError('unavailable', text, { operation: 'list', fileName: twice.name })
}
