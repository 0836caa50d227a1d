import type { BigIntStats, Dirent } from 'node:fs'
import { lstat, opendir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { nodeCrypto } from '../../core/builtin.ts'
import type { ListedFile, Page, PageRequest } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { unless } from './errno.ts'
import { isHidden } from './hidden.ts'
import { keyComponents, type Place, type Root } from './paths.ts'
import { guessedAttributes, readSidecar } from './sidecar.ts'
import { statOf } from './stat.ts'

const PAGE_SIZE = 1000
const MAX_CURSORS = 64
const IDLE_MS = 60_000

interface Found {
  readonly key: string
  readonly folder: string
  readonly entry: Dirent
}

interface Cursor {
  readonly id: string
  readonly walk: AsyncGenerator<Found>
  /** Entries handed out, and how many before the page that came last. */
  position: number
  previous: { readonly position: number; readonly page: Page } | undefined
  timer: NodeJS.Timeout | undefined
}

/** What a page's `next` says: which open walk goes on, how many entries went before, and the last one's key. */
type Token = readonly [id: string, position: number, last: string]

/**
 * Lists folders page by page in the order of the file system, which is sorted only within a page. Memory is that of a page and of one
 * open folder per level. Between pages a walk stays open for a minute; a token of a walk that was closed meanwhile begins
 * it anew and passes over what was handed out, up to the last key, or as many entries where that file is gone.
 */
export class Listing {
  readonly #root: Root
  readonly #keepMetadata: boolean
  readonly #cursors = new Map<string, Cursor>()

  constructor(root: Root, keepMetadata: boolean) {
    this.#root = root
    this.#keepMetadata = keepMetadata
  }

  /** One page of the folder `prefix` ('' or ending in '/'); a missing folder is an empty page. */
  async page(prefix: string, request: PageRequest, signal: AbortSignal): Promise<Page> {
    const limit = Math.max(1, request.limit ?? PAGE_SIZE)
    const cursor = await this.#cursor(prefix, request)
    if (cursor.previous !== undefined && request.token !== undefined) {
      const [, position] = parseToken(request.token)
      if (position === cursor.previous.position) return this.#keep(cursor, cursor.previous.page)
    }
    const found: Found[] = []
    let finished = false
    try {
      while (found.length < limit && !finished) {
        signal.throwIfAborted()
        const { done, value } = await cursor.walk.next()
        if (done === true) finished = true
        else found.push(value)
      }
    } catch (error) {
      this.#drop(cursor)
      throw error
    }
    const last = found.at(-1)
    const position = cursor.position + found.length
    const { files, directories } = await this.#describe(found)
    if (finished || last === undefined) {
      this.#drop(cursor)
      return { files, directories }
    }
    const page: Page = { files, directories, next: formatToken([cursor.id, position, last.key]) }
    cursor.previous = { position: cursor.position, page }
    cursor.position = position
    return this.#keep(cursor, page)
  }

  /** Closes every open walk. */
  close(): void {
    for (const cursor of this.#cursors.values()) this.#drop(cursor)
  }

  async #cursor(prefix: string, request: PageRequest): Promise<Cursor> {
    if (request.token === undefined) return this.#open(nodeCrypto().randomUUID(), prefix, request.recursive)
    const [id, position, last] = parseToken(request.token)
    const open = this.#cursors.get(id)
    if (open !== undefined) {
      if (open.position === position || open.previous?.position === position) {
        clearTimeout(open.timer)
        this.#cursors.delete(id)
        return open
      }
    }
    const resumed = this.#open(nodeCrypto().randomUUID(), prefix, request.recursive)
    resumed.position = position
    for await (const found of keepOpen(resumed.walk)) if (found.key === last) return resumed
    const counted = this.#open(nodeCrypto().randomUUID(), prefix, request.recursive)
    let passed = 0
    while (passed < position && (await counted.walk.next()).done !== true) passed++
    counted.position = position
    return counted
  }

  #open(id: string, prefix: string, recursive: boolean): Cursor {
    return { id, walk: this.#walk(prefix, recursive), position: 0, previous: undefined, timer: undefined }
  }

  #keep(cursor: Cursor, page: Page): Page {
    clearTimeout(cursor.timer)
    cursor.timer = setTimeout(() => this.#drop(cursor), IDLE_MS).unref()
    this.#cursors.set(cursor.id, cursor)
    const [oldest] = this.#cursors.values()
    if (this.#cursors.size > MAX_CURSORS && oldest !== undefined) this.#drop(oldest)
    return page
  }

  #drop(cursor: Cursor): void {
    clearTimeout(cursor.timer)
    if (this.#cursors.get(cursor.id) === cursor) this.#cursors.delete(cursor.id)
    cursor.walk.return(undefined).catch(() => undefined)
  }

  async *#walk(prefix: string, recursive: boolean): AsyncGenerator<Found> {
    const components = keyComponents(prefix.replace(/\/$/, ''))
    const folder = await unless(['ENOENT', 'ENOTDIR'], this.#root.confine(join(this.#root.path, ...components)))
    if (folder !== undefined) yield* this.#walkFolder(folder, prefix, recursive)
  }

  async *#walkFolder(folder: string, prefix: string, recursive: boolean): AsyncGenerator<Found> {
    const entries = await unless(['ENOENT', 'ENOTDIR'], opendir(folder, { bufferSize: 256 }))
    if (entries === undefined) return
    for await (const entry of entries) {
      if (isHidden(entry.name)) continue
      const key = prefix + entry.name
      if (recursive && entry.isDirectory()) yield* this.#walkFolder(join(folder, entry.name), `${key}/`, true)
      else yield { key, folder, entry }
    }
  }

  async #describe(found: readonly Found[]): Promise<Page> {
    const files: ListedFile[] = []
    const directories: string[] = []
    for (let from = 0; from < found.length; from += 32) {
      const entries = await Promise.all(found.slice(from, from + 32).map(each => this.#entry(each)))
      for (const entry of entries) {
        if (entry?.isDirectory === true) directories.push(entry.key)
        else if (entry !== undefined) files.push(entry)
      }
    }
    return { files: files.sort((a, b) => compare(a.key, b.key)), directories: directories.sort(compare) }
  }

  async #entry({ key, folder, entry }: Found): Promise<ListedFile | undefined> {
    if (entry.isDirectory()) return { key, size: 0, isDirectory: true }
    const place: Place = { folder, base: entry.name, path: join(folder, entry.name) }
    const stats = await this.#statEntry(place)
    if (stats === undefined || !(stats.isFile() || stats.isDirectory())) return undefined
    const attributes = this.#keepMetadata ? await readSidecar(place, stats) : guessedAttributes(entry.name)
    return { key, ...statOf(stats, attributes) }
  }

  async #statEntry(place: Place): Promise<BigIntStats | undefined> {
    const stats = await unless(['ENOENT'], lstat(place.path, { bigint: true }))
    if (stats === undefined || !stats.isSymbolicLink()) return stats
    try {
      return await stat(await this.#root.confine(place.path), { bigint: true })
    } catch {
      return undefined
    }
  }
}

async function* keepOpen<T>(walk: AsyncGenerator<T>): AsyncGenerator<T> {
  for (let next = await walk.next(); next.done !== true; next = await walk.next()) yield next.value
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function formatToken(token: Token): string {
  return Buffer.from(JSON.stringify(token)).toString('base64url')
}

function parseToken(text: string): Token {
  try {
    const token = JSON.parse(Buffer.from(text, 'base64url').toString()) as unknown
    if (Array.isArray(token) && typeof token[0] === 'string' && Number.isSafeInteger(token[1]))
      return token as unknown as Token
  } catch {}
  throw new StorageError('invalid_argument', 'The page token is none of this listing.')
}
