import { AssertionError } from 'node:assert'
import { directUpload, type SignedUrl, UrlSigner } from '../backends/local/signed-urls.ts'
import type { MemoryOptions } from '../backends/memory/index.ts'
import { MemoryDriver, MemoryStorage } from '../backends/memory/index.ts'
import type { CallContext } from '../core/call.ts'
import type { DirectUpload, DirectUploadLimits } from '../core/direct-uploads.ts'
import type { Driver, SignUrlOptions, Visibility, WriteOptions } from '../core/driver.ts'
import type { Input } from '../core/settings.ts'
import { joinUrl } from '../core/urls.ts'

/** A `MemoryDriver` with what services have besides: signed URLs, direct uploads, visibility, a container that is made. */
class FakeDriver extends MemoryDriver {
  readonly #base: string
  readonly #signer: UrlSigner
  /** By the keys of public files their etags: a file that is replaced is private again. */
  readonly #public = new Map<string, string | undefined>()

  constructor(baseUrl: string, signer: UrlSigner) {
    super({ baseUrl })
    this.#base = baseUrl
    this.#signer = signer
  }

  async signUrl(key: string, options: SignUrlOptions): Promise<string> {
    return `${joinUrl(this.#base, key)}?${this.#signer.sign(key, options)}`
  }

  async uploadTarget(key: string, options: WriteOptions, limits: DirectUploadLimits): Promise<DirectUpload> {
    return directUpload(key, options, limits, (name, request) => this.signUrl(name, request))
  }

  async visibility(key: string, ctx: CallContext): Promise<Visibility> {
    const { etag } = await this.stat(key, ctx)
    return this.#public.has(key) && this.#public.get(key) === etag ? 'public' : 'private'
  }

  async setVisibility(key: string, visibility: Visibility, ctx: CallContext): Promise<void> {
    const { etag } = await this.stat(key, ctx)
    if (visibility === 'public') this.#public.set(key, etag)
    else this.#public.delete(key)
  }

  async createContainer(): Promise<void> {}
}

/** A storage in memory that replaces another one in a test: see `fakeStorages`. */
export class FakeStorage extends MemoryStorage {
  /** URL below which its files are; the handler of `fakeStorages`, and `createFileHandler` of this storage, accept its signed URLs. */
  readonly baseUrl: string
  readonly #signer: UrlSigner
  #fake: FakeDriver | undefined

  constructor(baseUrl: string, secret: string, options: Input<MemoryOptions> = {}) {
    super({ ...options, baseUrl }, { settings: {}, env: {} })
    this.baseUrl = baseUrl
    this.#signer = new UrlSigner(secret, baseUrl)
  }

  protected override connect(): Driver {
    this.#fake ??= new FakeDriver(this.baseUrl, this.#signer)
    return this.#fake
  }

  /** Whether URLs of this storage are signed: always. */
  get urlsAreSigned(): boolean {
    return true
  }

  /** Returns the permissions of a signed URL. A tampered or expired one is `permission_denied`. */
  verifyUrl(method: string, name: string, query: URLSearchParams): SignedUrl {
    return this.#signer.verify(method, this.keyOf(name), query)
  }

  /** Fails with an `AssertionError` unless the file exists, with this content if any is passed. */
  async assertExists(name: string, content?: string | Uint8Array): Promise<void> {
    if (!(await this.exists(name))) {
      throw failed(`Expected the file '${name}' to exist. ${await this.#shownFiles()}`, this.assertExists)
    }
    if (content === undefined) return
    const [actual, expected] = [await this.readBytes(name), Buffer.from(content as Uint8Array)]
    if (actual.equals(expected)) return
    throw new AssertionError({
      message: `The file '${name}' has another content than expected.`,
      actual: typeof content === 'string' ? String(actual) : actual,
      expected: typeof content === 'string' ? content : expected,
      operator: 'assertExists',
      stackStartFn: this.assertExists,
    })
  }

  /** Fails with an `AssertionError` if there is a file or a folder of this name. */
  async assertMissing(name: string): Promise<void> {
    if (await this.exists(name)) throw failed(`Expected '${name}' not to exist.`, this.assertMissing)
  }

  /** Fails with an `AssertionError` unless exactly `count` files are below a folder; '' is the whole storage. Folders do not count. */
  async assertCount(path: string, count: number): Promise<void> {
    let found = 0
    for await (const _ of this.entries(path, { recursive: true })) found++
    if (found === count) return
    const place = path === '' ? 'the storage' : `'${path}'`
    const text = `Expected ${count} files in ${place}, found ${found}. ${await this.#shownFiles()}`
    throw new AssertionError({
      message: text,
      actual: found,
      expected: count,
      operator: 'assertCount',
      stackStartFn: this.assertCount,
    })
  }

  async #shownFiles(): Promise<string> {
    const names: string[] = []
    for await (const { name } of this.entries('', { recursive: true })) names.push(`'${name}'`)
    if (names.length === 0) return 'The storage is empty.'
    return `The storage has ${names.slice(0, 20).join(', ')}${names.length > 20 ? ` and ${names.length - 20} more` : ''}.`
  }
}

// biome-ignore lint/complexity/noBannedTypes: the type of `stackStartFn`
function failed(message: string, stackStartFn: Function): AssertionError {
  return new AssertionError({ message, stackStartFn })
}
