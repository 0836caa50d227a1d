import { nodeCrypto } from '../../../core/builtin.ts'
import type { CallContext } from '../../../core/call.ts'
import { isStorageError, StorageError } from '../../../core/errors.ts'
import { detached } from '../../../remote/aftermath.ts'
import { type ChecksumMode, checksumHeaders } from '../../../remote/checksums.ts'
import type { S3Client } from '../client.ts'
import { versionQuery } from './copying.ts'

/** What the requests of a claim need. */
export interface ClaimOptions {
  /** Of the object to come. */
  readonly headers: Readonly<Record<string, string>>
  /** Of reading it: the keys of encryption by the customer's key. */
  readonly readHeaders: Readonly<Record<string, string>>
  /** Of requests that only name it. */
  readonly baseHeaders: Readonly<Record<string, string>>
  readonly checksum: ChecksumMode
}

const MARK = 'x-amz-meta-holdall-claim'

/**
 * An empty object that holds a free key for what replaces it without a condition, where the service has conditions for PUT only.
 * It bears a mark of its own, so that it is told from everybody else's, also when the answer to its creation was lost.
 */
export class Claim {
  readonly #client: S3Client
  readonly #key: string
  readonly #options: ClaimOptions
  readonly #mark: string = nodeCrypto().randomUUID()
  #tried = false
  #versionId: string | undefined

  constructor(client: S3Client, key: string, options: ClaimOptions) {
    this.#client = client
    this.#key = key
    this.#options = options
  }

  /** Takes the key; `exists` when it is somebody else's. */
  async take(ctx: CallContext): Promise<void> {
    const { headers, checksum } = this.#options
    const body = Buffer.alloc(0)
    const all = { ...headers, ...checksumHeaders(checksum, body), [MARK]: this.#mark, 'if-none-match': '*' }
    this.#tried = true
    await ctx.step('claimKey', true, async outer => {
      try {
        await outer.step('sendClaim', 'if_not_applied', step =>
          this.#client.done({ method: 'PUT', key: this.#key, headers: all, body }, step),
        )
      } catch (error) {
        await this.#lookAfter(error, outer)
      }
    })
  }

  /** Removes the empty object, if it is there and this claim's own. Never fails. */
  async release(ctx: CallContext): Promise<void> {
    if (!this.#tried) return
    try {
      if ((await this.#holder(ctx)) !== 'self') return
      const query = versionQuery({ versionId: this.#versionId })
      const headers = { ...this.#options.baseHeaders }
      await detached(ctx).step('delete', true, step =>
        this.#client.done({ method: 'DELETE', key: this.#key, query, headers }, step),
      )
    } catch {
      // What made the upload fail is what counts.
    }
  }

  /** Finds out what came of a claim that was refused, or whose answer was lost. */
  async #lookAfter(error: unknown, ctx: CallContext): Promise<void> {
    if (!isStorageError(error)) throw error
    const isRefusal = error.code === 'precondition_failed' || error.code === 'exists'
    if (!isRefusal && error.outcome === 'not_applied') throw error
    const holder = await this.#holder(ctx)
    if (holder === 'self') return
    if (holder === 'other') throw new StorageError('exists', `The key '${this.#key}' is taken.`, { cause: error })
    throw error
  }

  async #holder(ctx: CallContext): Promise<'self' | 'other' | 'nobody'> {
    const request = { method: 'HEAD', key: this.#key, headers: { ...this.#options.readHeaders } } as const
    try {
      const headers = await detached(ctx).step('stat', true, step => this.#client.done(request, step))
      const version = headers['x-amz-version-id']
      this.#versionId = typeof version === 'string' ? version : undefined
      return headers[MARK] === this.#mark ? 'self' : 'other'
    } catch (error) {
      if (isStorageError(error, 'not_found')) return 'nobody'
      throw error
    }
  }
}
