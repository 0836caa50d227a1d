import type { CallContext } from '../../core/call.ts'
import { Once } from '../../core/once.ts'
import { trialOf } from '../../remote/conditions.ts'
import { DELETED, STORED } from './api.ts'
import { EMPTY, type SwiftClient } from './client.ts'
import { classifySwift } from './errors.ts'

/** The condition that no object of the name exists. */
export const CREATE: Readonly<Record<string, string>> = { 'if-none-match': '*' }

/** Whether a cluster honours `If-None-Match: *`: Swift does, other services of its API ignore it and replace the object. */
export class CreateCondition {
  readonly #client: SwiftClient
  readonly #container: string
  readonly #found: Once<boolean> = new Once()

  constructor(client: SwiftClient, container: string) {
    this.#client = client
    this.#container = container
  }

  /** Tries it out once, on an empty object of its own beside the key, which is removed again. */
  async isHonoured(key: string, ctx: CallContext): Promise<boolean> {
    const folder = key.slice(0, key.lastIndexOf('/') + 1)
    return this.#found.value ?? (await this.#found.get(ctx, shared => this.#tryOut(folder, { ...ctx, ...shared })))
  }

  async #tryOut(folder: string, ctx: CallContext): Promise<boolean> {
    const place = (key: string) => ({ container: this.#container, key })
    const trial = trialOf(
      {
        put: async (key, headers) => {
          const request = { method: 'PUT', place: place(key), headers, body: EMPTY, expected: STORED } as const
          return (await ctx.step('tryCondition', true, step => this.#client.done(request, step))).etag
        },
        remove: (key, _conditions, step) =>
          this.#client.done({ method: 'DELETE', place: place(key), expected: DELETED }, step),
        classify: classifySwift,
      },
      folder,
      ctx,
    )
    try {
      return (await trial.put({})) !== undefined && (await trial.put(CREATE)) === undefined
    } catch (error) {
      if (trial.isRefusal(error)) return false
      throw error
    } finally {
      await trial.remove({}).catch(() => undefined)
    }
  }
}
