import { nodeCrypto } from '../../../core/builtin.ts'
import type { CallContext } from '../../../core/call.ts'
import { isStorageError, StorageError } from '../../../core/errors.ts'
import { detached } from '../../../remote/aftermath.ts'
import { type ChecksumMode, checksumHeaders } from '../../../remote/checksums.ts'
import type { S3Client } from '../client.ts'
import { versionQuery } from './copying.ts'

/** The headers for the requests of a claim. */
export interface ClaimOptions {
  /** Headers of the later object. */
  readonly headers: Readonly<Record<string, string>>
  /** Headers for reading it: the customer's encryption key. */
  readonly readHeaders: Readonly<Record<string, string>>
  /** Headers of requests that do not read or write its content. */
  readonly baseHeaders: Readonly<Record<string, string>>
  readonly checksum: ChecksumMode
}

const MARK = 'x-amz-meta-holdall-claim'

/**
 * An empty object that reserves a free key until an unconditional request replaces it, for services that support conditions only for PUT. A
 * random mark distinguishes it from the objects of other clients, even if the answer to its creation was lost.
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

  /** Reserves the key. Code `exists` if another client has it. */
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

  /** Removes the empty object if it exists and belongs to this claim. Never fails. */
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
      // The error of the upload is reported instead.
    }
  }

  /** Finds out whether a claim that was refused, or whose answer was lost, was made. */
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
