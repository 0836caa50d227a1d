import assert from 'node:assert/strict'
import type { CallContext } from '../core/call.ts'
import { type ContentSource, toContent } from '../core/content.ts'
import type { Driver, Features, ListedFile, PageRequest, ReadOptions, Stat, WriteOptions } from '../core/driver.ts'
import { classifyCommon, type ErrorCode, isStorageError } from '../core/errors.ts'
import { plainContext } from './context.ts'

/** Methods of a driver whose absence means that the backend cannot do it. */
export type OptionalMethod = Exclude<
  { [K in keyof Driver]-?: Driver extends Record<K, Driver[K]> ? never : K }[keyof Driver],
  'close' | 'containers' | 'resumable'
>

/** Fields of `Stat` that a backend may keep or not. */
export type KeptField = 'modifiedAt' | 'createdAt' | 'accessedAt' | 'etag' | 'versionId' | 'storageClass'

/** What is to be tested, and what is known of it. */
export interface DriverConformanceOptions {
  /** A driver over an empty place; called for each case anew. */
  create(): Promise<Driver> | Driver
  /** Called after each case, in place of removing what is left and closing the driver. */
  destroy?: (driver: Driver) => Promise<void> | void
  /** Folders, each '' or ending in '/', under which all cases are run. Default: the root and a folder. */
  readonly locations?: readonly string[]
  /** Whether files and folders exclude each other, as on a disk; without it `a` and `a/b` must be able to exist together. */
  readonly tree?: boolean
  /** Whether `list` keeps to `limit`. */
  readonly limits?: boolean
  /** Fields that `stat` must give. */
  readonly keeps?: readonly KeptField[]
  /** What `features` (after `discover`) must say; every optional method must be there or not as told. */
  readonly expects?: { readonly features?: Partial<Features>; readonly methods?: readonly OptionalMethod[] }
  /** Names out of `oddNames` that the backend cannot keep; writing them must be refused. */
  readonly refusedNames?: readonly string[]
  /** Names out of `oddNames` that the backend keeps as those of files and not in those of folders; writing below such a folder must be refused. */
  readonly refusedFolders?: readonly string[]
  /** Whether the service takes no files without bytes; writing one must be refused and change nothing. */
  readonly refusesEmpty?: boolean
  /** Whether anybody may fetch `publicUrl`; otherwise only its form is tested. */
  readonly publicRead?: boolean
  /** How the URLs are fetched; the global `fetch` unless told. */
  readonly fetch?: (url: string, init?: RequestInit) => Promise<Response>
  /** Bytes of the large files. Default: 5 MiB and a little. */
  readonly largeSize?: number
  /** How far the server's clock may be away, in seconds. Default: 300. */
  readonly clockToleranceSecs?: number
}

/** A driver in a folder, with the words in which the cases are written. */
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

  /** A context whose steps fail as they do below a storage. */
  context(signal?: AbortSignal, progress?: () => void): CallContext {
    return plainContext(signal, progress, error => this.driver.classify(error))
  }

  get largeSize(): number {
    return this.options.largeSize ?? 5 * 1024 * 1024 + 7
  }

  /** The key of a name in this place. */
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

  /** Whether there is a file: only `not_found` says no. */
  async exists(name: string): Promise<boolean> {
    const outcome = await this.stat(name).then(
      () => undefined,
      error => this.codeOf(error),
    )
    if (outcome !== undefined) assert.equal(outcome, 'not_found')
    return outcome === undefined
  }

  /** All pages of a folder's listing; a token that comes twice fails. Keys are given without the place's prefix. */
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

  /** Why a call of the driver failed, as a `Storage` would tell it. */
  codeOf(error: unknown): ErrorCode {
    return isStorageError(error) ? error.code : (this.driver.classify(error) ?? classifyCommon(error))
  }

  /** The promise must reject with one of the codes. */
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

  /** A time that the server gave must be about now. */
  recent(date: Date | undefined, what: string): void {
    assert.ok(date instanceof Date, `${what} is no Date`)
    const seconds = Math.abs(Date.now() - date.getTime()) / 1000
    assert.ok(seconds <= (this.options.clockToleranceSecs ?? 300), `${what} is ${seconds} s away from now`)
  }
}

/** A whole listing: `names` and `directories` sorted and relative to the place; entries of each page counted. */
export interface Listing {
  readonly files: readonly ListedFile[]
  readonly names: readonly string[]
  readonly directories: readonly string[]
  readonly pages: readonly number[]
}

/** Bytes that repeat in no power of two, so that swapped or lost parts show. */
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
