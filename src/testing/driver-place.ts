import assert from 'node:assert/strict'
import type { CallContext } from '../core/call.ts'
import { type ContentSource, toContent } from '../core/content.ts'
import type { Driver, Features, ListedFile, PageRequest, ReadOptions, Stat, WriteOptions } from '../core/driver.ts'
import { classifyCommon, type ErrorCode, isStorageError } from '../core/errors.ts'
import { plainContext } from './context.ts'

/** Methods of a driver that are absent where the backend does not support them. */
export type OptionalMethod = Exclude<
  { [K in keyof Driver]-?: Driver extends Record<K, Driver[K]> ? never : K }[keyof Driver],
  'close' | 'containers' | 'resumable'
>

/** Fields of `Stat` that a backend may keep or not. */
export type KeptField = 'modifiedAt' | 'createdAt' | 'accessedAt' | 'etag' | 'versionId' | 'storageClass'

/** The driver to be tested, and its properties. */
export interface DriverConformanceOptions {
  /** Returns a driver over an empty storage; called for each case. */
  create(): Promise<Driver> | Driver
  /** Called after each case, instead of removing its files and closing the driver. */
  destroy?: (driver: Driver) => Promise<void> | void
  /** Folders in which all cases run, each '' or ending in '/'. Default: the root and a folder. */
  readonly locations?: readonly string[]
  /** Whether files and folders exclude each other, as on a disk; otherwise `a` and `a/b` must be able to exist together. */
  readonly tree?: boolean
  /** Whether `list` honours `limit`. */
  readonly limits?: boolean
  /** Fields that `stat` must return. */
  readonly keeps?: readonly KeptField[]
  /** Expected values of `features` (after `discover`), and which optional methods must be present or absent. */
  readonly expects?: { readonly features?: Partial<Features>; readonly methods?: readonly OptionalMethod[] }
  /** Names in `oddNames` that the backend cannot store; writing them must fail. */
  readonly refusedNames?: readonly string[]
  /** Names in `oddNames` that the backend accepts for files but not for folders; writing below such a folder must fail. */
  readonly refusedFolders?: readonly string[]
  /** Whether the service rejects empty files; writing one must then fail and change nothing. */
  readonly refusesEmpty?: boolean
  /** Whether `publicUrl` can be fetched without credentials; otherwise only its form is tested. */
  readonly publicRead?: boolean
  /** Fetches the URLs. Default: the global `fetch`. */
  readonly fetch?: (url: string, init?: RequestInit) => Promise<Response>
  /** Size of the large files in bytes. Default: slightly more than 5 MiB. */
  readonly largeSize?: number
  /** Maximum difference of the server's clock, in seconds. Default: 300. */
  readonly clockToleranceSecs?: number
}

/** A driver in a folder, with helper methods for the cases. */
export class DriverPlace {
  readonly driver: Driver
  readonly options: DriverConformanceOptions
  readonly features: Features
  /** '' or a folder with its '/'. */
  readonly prefix: string
  readonly ctx: CallContext

  constructor(driver: Driver, features: Features, prefix: string, options: DriverConformanceOptions) {
    this.driver = driver
    this.ctx = this.context()
    this.features = features
    this.prefix = prefix
    this.options = options
  }

  /** Returns a context whose steps fail as in a storage. */
  context(signal?: AbortSignal, progress?: () => void): CallContext {
    return plainContext(signal, progress, error => this.driver.classify(error))
  }

  get largeSize(): number {
    return this.options.largeSize ?? 5 * 1024 * 1024 + 7
  }

  /** Returns the key of a name in this folder. */
  key(name: string): string {
    return this.prefix + name
  }

  put(
    name: string,
    source: ContentSource,
    options: WriteOptions = {},
    ctx: CallContext = this.ctx,
  ): Promise<Stat | undefined> {
    return this.driver.write(this.key(name), toContent(source), options, ctx)
  }

  async get(name: string, options: ReadOptions = {}): Promise<Buffer> {
    const { body } = await this.driver.read(this.key(name), options, this.ctx)
    const chunks: Uint8Array[] = []
    for await (const chunk of body.stream()) chunks.push(chunk)
    return Buffer.concat(chunks)
  }

  async text(name: string, options: ReadOptions = {}): Promise<string> {
    return (await this.get(name, options)).toString('utf8')
  }

  stat(name: string): Promise<Stat> {
    return this.driver.stat(this.key(name), this.ctx)
  }

  /** Returns whether there is a file: false only for `not_found`. */
  async exists(name: string): Promise<boolean> {
    const outcome = await this.stat(name).then(
      () => undefined,
      error => this.codeOf(error),
    )
    if (outcome !== undefined) assert.equal(outcome, 'not_found')
    return outcome === undefined
  }

  /** Returns all pages of a folder's listing; a repeated token fails. Keys are without the folder's prefix. */
  async list(
    folder = '',
    recursive = false,
    limit?: number,
    range: Pick<PageRequest, 'startAfter' | 'until'> = {},
  ): Promise<Listing> {
    const files: ListedFile[] = []
    const directories: string[] = []
    const pages: number[] = []
    const tokens = new Set<string>()
    let token: string | undefined
    do {
      const page = await this.driver.list(this.key(folder), { ...range, recursive, token, limit }, this.ctx)
      files.push(...page.files)
      directories.push(...page.directories)
      pages.push(page.files.length + page.directories.length)
      token = page.next
      assert.ok(token === undefined || !tokens.has(token), 'a page gave a token that was given before')
      assert.ok(tokens.size < 10_000, 'the listing has no end')
      if (token !== undefined) tokens.add(token)
    } while (token !== undefined)
    const keys = [...files.map(file => file.key), ...directories]
    for (const key of keys) assert.ok(key.startsWith(this.key(folder)), `the listing gave '${key}', which is not below`)
    const name = (key: string): string => key.slice(this.prefix.length)
    return { files, pages, names: files.map(file => name(file.key)).sort(), directories: directories.map(name).sort() }
  }

  /** Returns the code of a driver's error, as a `Storage` would report it. */
  codeOf(error: unknown): ErrorCode {
    return isStorageError(error) ? error.code : (this.driver.classify(error) ?? classifyCommon(error))
  }

  /** Checks that the promise rejects with one of the codes. */
  async fails(call: Promise<unknown>, ...codes: readonly ErrorCode[]): Promise<void> {
    const failure = await call.then(
      () => undefined,
      (error: unknown) => ({ error, code: this.codeOf(error) }),
    )
    assert.ok(failure !== undefined, `it succeeded; wanted ${codes.join(' or ')}`)
    assert.ok(
      codes.includes(failure.code),
      `wanted ${codes.join(' or ')}, got ${failure.code}: ${String(failure.error)}`,
    )
  }

  fetch(url: string, init?: RequestInit): Promise<Response> {
    return (this.options.fetch ?? fetch)(url, init)
  }

  /** Checks that a time of the server is about now. */
  recent(date: Date | undefined, what: string): void {
    assert.ok(date instanceof Date, `${what} is no Date`)
    const seconds = Math.abs(Date.now() - date.getTime()) / 1000
    assert.ok(seconds <= (this.options.clockToleranceSecs ?? 300), `${what} is ${seconds} s away from now`)
  }
}

/** A whole listing: `names` and `directories` sorted and relative to the folder; `pages` are the numbers of entries in each page. */
export interface Listing {
  readonly files: readonly ListedFile[]
  readonly names: readonly string[]
  readonly directories: readonly string[]
  readonly pages: readonly number[]
}

/** Returns bytes that do not repeat with a power of two, so that swapped or lost parts are detected. */
export function patternBytes(size: number, seed = 1): Buffer {
  const bytes = Buffer.allocUnsafe(size)
  for (let at = 0; at < size; at++) bytes[at] = ((at % 251) * 7 + (at >>> 8) * 13 + seed) & 0xff
  return bytes
}

/** Compares long byte strings without printing them. */
export function sameBytes(actual: Uint8Array, expected: Uint8Array, what = 'content'): void {
  assert.equal(actual.byteLength, expected.byteLength, `${what}: length`)
  assert.ok(Buffer.compare(actual, expected) === 0, `${what}: the bytes differ`)
}
