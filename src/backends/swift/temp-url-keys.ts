import type { IncomingHttpHeaders } from 'node:http'
import type { CallContext, CallOptions } from '../../core/call.ts'
import { ImproperlyConfigured } from '../../core/errors.ts'
import { CALL_OPTIONS, type KnownOptions } from '../../core/known-options.ts'
import { Once } from '../../core/once.ts'
import { headerTextOf } from '../../remote/headers.ts'
import { CONTAINER, type Place, UPDATED } from './api.ts'
import { EMPTY, type SwiftClient } from './client.ts'

/** Where a key for temporary URLs is stored. Each place has two slots, so that one key can be changed while URLs of the other are valid. */
export interface TempUrlKeyPlace {
  /** Default: the account, whose keys also open the segments of large objects. */
  readonly of?: 'account' | 'container' | undefined
  /** Default: 1. */
  readonly slot?: 1 | 2 | undefined
}

/** Options of `storeTempUrlKey`. */
export interface TempUrlKeyOptions extends TempUrlKeyPlace, CallOptions {
  /** Default: the key of the settings. */
  readonly key?: string | undefined
}

/** The names of all options. */
export const KEY_OPTIONS: KnownOptions<TempUrlKeyOptions> = { ...CALL_OPTIONS, of: true, slot: true, key: true }

/** The key that signs temporary URLs: that of the settings, else the container's, else the account's, requested once. */
export class TempUrlKeys {
  readonly #client: SwiftClient
  readonly #container: string
  readonly #given: string | null
  readonly #found: Once<string> = new Once()

  constructor(client: SwiftClient, container: string, given: string | null) {
    this.#client = client
    this.#container = container
    this.#given = given
  }

  async get(ctx: CallContext): Promise<string> {
    if (this.#given !== null) return this.#given
    return this.#found.value ?? (await this.#found.get(ctx, shared => this.#ask({ ...ctx, ...shared })))
  }

  /** Stores a key in Swift. It is valid after at most a minute, since servers cache the old one for that long. */
  async store(key: string, { of = 'account', slot = 1 }: TempUrlKeyPlace, ctx: CallContext): Promise<void> {
    const name = `x-${of}-meta-temp-url-key${slot === 2 ? '-2' : ''}`
    await this.#client.done(
      {
        method: 'POST',
        place: this.#placeOf(of),
        headers: { [name]: Buffer.from(key, 'utf8').toString('latin1') },
        expected: UPDATED,
        body: EMPTY,
      },
      ctx,
    )
    this.#found.forget()
  }

  async #ask(ctx: CallContext): Promise<string> {
    for (const owner of ['container', 'account'] as const) {
      const expected =
        owner === 'account' ? { statuses: [200, 204], headers: ['x-account-container-count'] } : CONTAINER
      const headers = await ctx.step('tempUrlKey', true, step =>
        this.#client.done({ method: 'HEAD', place: this.#placeOf(owner), expected }, step),
      )
      const key = keyIn(headers, owner)
      if (key !== undefined) return key
    }
    throw new ImproperlyConfigured(
      'A URL that ends must be signed: set SWIFT_TEMP_URL_KEY; neither the container nor the account has a key (storeTempUrlKey).',
    )
  }

  #placeOf(of: 'account' | 'container'): Place {
    return of === 'account' ? { account: true } : { container: this.#container }
  }
}

function keyIn(headers: IncomingHttpHeaders, of: string): string | undefined {
  const name = `x-${of}-meta-temp-url-key`
  const key = headerTextOf(headers[name]) ?? headerTextOf(headers[`${name}-2`])
  // Node reads the bytes of headers as Latin-1.
  return key && Buffer.from(key, 'latin1').toString('utf8')
}
