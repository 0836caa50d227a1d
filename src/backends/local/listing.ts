import type { BigIntStats, Dirent } from 'node:fs'
import { nodeCrypto } from '../../core/builtin.ts'
import type { ListedFile, Page, PageRequest } from '../../core/driver.ts'
import { errnoOf, isExhaustion } from '../../core/errno.ts'
import { StorageError } from '../../core/errors.ts'
import { NOT_UTF8, OddItems } from './odd-items.ts'
import { statPlace, withAttributes } from './open-file.ts'
import { placed } from './place.ts'
import type { Root } from './root.ts'
import { statOf } from './stat.ts'
import { type Batch, walk } from './walk.ts'

const PAGE_SIZE = 1000
const MAX_CURSORS = 64
const IDLE_MS = 60_000

interface Cursor {
  readonly id: string
  readonly walk: AsyncGenerator<Batch>
  readonly odd: OddItems
  /** What the walk has given and no page has taken yet; its folder stays open until the walk goes on. */
  rest: Batch | undefined
  /** Entries handed out, and how many before the page that came last. */
  position: number
  previous: { readonly position: number; readonly page: Page } | undefined
  timer: NodeJS.Timeout | undefined
}

/** What a page's `next` says: which open walk goes on, how many entries went before, and the last one's key. */
type Token = readonly [id: string, position: number, last: string]

/**
 * Lists folders page by page in the order of the file system, which is sorted only within a page. Memory is that of a page and of the
 * names of folders that the walk has not gone into yet. Between pages a walk stays open for a minute; a token of a walk that was closed
 * meanwhile begins it anew and passes over what was handed out, up to the last key, or as many entries where that file is gone. What cannot
 * be looked at is reported as a warning of the process and left out.
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
    const files: ListedFile[] = []
    const directories: string[] = []
    let last: string | undefined
    let taken = 0
    try {
      while (taken < limit) {
        signal.throwIfAborted()
        const batch = await take(cursor, limit - taken)
        if (batch === undefined) break
        taken += batch.entries.length
        last = batch.prefix + batch.entries.at(-1)!.name
        for (const entry of await this.#describe(batch, cursor.odd)) {
          if (entry.isDirectory !== true) files.push(entry)
          else if (!request.recursive) directories.push(entry.key)
        }
      }
    } catch (error) {
      await this.#drop(cursor)
      throw this.#root.explained(error)
    }
    files.sort((a, b) => compare(a.key, b.key))
    directories.sort(compare)
    if (taken < limit || last === undefined) {
      await this.#drop(cursor)
      return { files, directories }
    }
    const position = cursor.position + taken
    const page: Page = { files, directories, next: formatToken([cursor.id, position, last]) }
    cursor.previous = { position: cursor.position, page }
    cursor.position = position
    return this.#keep(cursor, page)
  }

  /** Closes every open walk and its folders. */
  async close(): Promise<void> {
    await Promise.all([...this.#cursors.values()].map(cursor => this.#drop(cursor)))
  }

  async #cursor(prefix: string, request: PageRequest): Promise<Cursor> {
    const begin = (position: number) => this.#begin(prefix, request.recursive, position)
    if (request.token === undefined) return begin(0)
    const [id, position, last] = parseToken(request.token)
    const open = this.#cursors.get(id)
    if (open !== undefined && (open.position === position || open.previous?.position === position)) {
      clearTimeout(open.timer)
      this.#cursors.delete(id)
      return open
    }
    const resumed = begin(position)
    for (let batch = await take(resumed, 1); batch !== undefined; batch = await take(resumed, 1)) {
      if (batch.prefix + batch.entries[0]!.name === last) return resumed
    }
    const counted = begin(position)
    for (let passed = 0; passed < position && (await take(counted, 1)) !== undefined; ) passed++
    return counted
  }

  #begin(prefix: string, recursive: boolean, position: number): Cursor {
    const id = nodeCrypto().randomUUID()
    const odd = new OddItems()
    return {
      id,
      walk: walk(this.#root, prefix, { recursive, odd }),
      odd,
      rest: undefined,
      position,
      previous: undefined,
      timer: undefined,
    }
  }

  #keep(cursor: Cursor, page: Page): Page {
    clearTimeout(cursor.timer)
    cursor.timer = setTimeout(() => this.#drop(cursor), IDLE_MS).unref()
    this.#cursors.set(cursor.id, cursor)
    const [oldest] = this.#cursors.values()
    if (this.#cursors.size > MAX_CURSORS && oldest !== undefined) this.#drop(oldest)
    return page
  }

  /** Closes a walk. Never fails; only who closes all of them waits for it. */
  async #drop(cursor: Cursor): Promise<void> {
    clearTimeout(cursor.timer)
    if (this.#cursors.get(cursor.id) === cursor) this.#cursors.delete(cursor.id)
    await cursor.walk.return(undefined).catch(() => undefined)
  }

  async #describe(batch: Batch, odd: OddItems): Promise<ListedFile[]> {
    const entries = await Promise.all(batch.entries.map(entry => this.#entry(batch, entry, odd)))
    return entries.filter(entry => entry !== undefined)
  }

  /** Undefined for what is gone, leads outside, or is neither a file nor a folder. */
  async #entry({ anchor, root, prefix }: Batch, entry: Dirent, odd: OddItems): Promise<ListedFile | undefined> {
    const key = prefix + entry.name
    const isReplaced = entry.name.includes('\ufffd')
    if (entry.isDirectory() && !isReplaced) return { key, size: 0, isDirectory: true }
    const place = placed(anchor, entry.name, root)
    try {
      const look = () => statPlace(this.#root, place)
      const [{ stats }, attributes] = await withAttributes(place, this.#keepMetadata, look)
      if (!isListed(stats)) return undefined
      if (this.#root.canHold(key)) return { key, ...statOf(stats, attributes) }
      odd.report(key, 'its path is longer than the system takes')
    } catch (error) {
      const isMissing = errnoOf(error) === 'ENOENT'
      if (isMissing && isReplaced) odd.report(key, NOT_UTF8)
      else if (isExhaustion(error) || !(isMissing || entry.isSymbolicLink())) odd.report(key, error)
    }
    return undefined
  }
}

function isListed(stats: BigIntStats): boolean {
  return stats.isFile() || stats.isDirectory()
}

/** Up to `limit` entries of one folder; undefined at the end. */
async function take(cursor: Cursor, limit: number): Promise<Batch | undefined> {
  if (cursor.rest === undefined) {
    const { done, value } = await cursor.walk.next()
    if (done === true) return undefined
    cursor.rest = value
  }
  const { entries } = cursor.rest
  const batch = { ...cursor.rest, entries: entries.slice(0, limit) }
  cursor.rest = limit < entries.length ? { ...cursor.rest, entries: entries.slice(limit) } : undefined
  return batch
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
