import type { CallContext } from '../../core/call.ts'
import type { SignUrlOptions } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import type { SwiftClient } from './client.ts'
import type { ClusterInfo, TempUrlDigest } from './info.ts'
import { plainUrl, temporaryUrl, tempUrlQuery, type UrlBase } from './sign.ts'
import { TempUrlKeys } from './temp-url-keys.ts'

/** Options of URLs. */
export interface UrlOptions extends Omit<UrlBase, 'publicUrl'> {
  readonly tempUrlKey: string | null
  readonly tempUrlDigest: TempUrlDigest | null
}

/** URLs of the objects of one container, on the public interface. */
export class SwiftUrls {
  readonly keys: TempUrlKeys
  readonly #client: SwiftClient
  readonly #info: ClusterInfo
  readonly #options: UrlOptions

  constructor(client: SwiftClient, info: ClusterInfo, options: UrlOptions) {
    this.#client = client
    this.#info = info
    this.#options = options
    this.keys = new TempUrlKeys(client, options.container, options.tempUrlKey)
  }

  /** The URL without a signature. */
  async plain(key: string, ctx: CallContext): Promise<string> {
    return plainUrl(await this.#base(ctx), key)
  }

  /** A temporary URL. */
  async temporary(key: string, options: SignUrlOptions, ctx: CallContext): Promise<string> {
    const { method, expiresInSecs } = options
    const query = tempUrlQuery(options)
    const expires = Math.floor(Date.now() / 1000) + Math.ceil(expiresInSecs)
    if (!Number.isSafeInteger(expires))
      throw new StorageError('invalid_argument', 'expiresInSecs is not a valid lifetime of a URL.')
    const base = await this.#base(ctx)
    const secret = await this.keys.get(ctx)
    const digest = this.#options.tempUrlDigest ?? digestOf((await this.#info.get(ctx)).digests)
    return temporaryUrl(base, key, query, { method, expires, secret, digest })
  }

  /** The address of a key for transfers: the same text for two storages of one container. */
  async address(key: string, ctx: CallContext): Promise<string> {
    const { storageUrl } = await this.#client.session(ctx)
    return plainUrl({ ...this.#options, publicUrl: storageUrl, baseUrl: null }, key)
  }

  async #base(ctx: CallContext): Promise<UrlBase> {
    const { publicUrl } = await this.#client.session(ctx)
    return { ...this.#options, publicUrl }
  }
}

/** SHA-256 if the cluster supports it, or reports nothing; otherwise SHA-512, which is newer than SHA-1. */
function digestOf(known: readonly TempUrlDigest[] | undefined): TempUrlDigest {
  if (known === undefined || known.length === 0 || known.includes('sha256')) return 'sha256'
  return known.includes('sha512') ? 'sha512' : 'sha1'
}
