import type { CallContext } from '../core/call.ts'
import { Once } from '../core/once.ts'

/** The bucket or container of a storage, created when a request finds that it is missing: once, however many requests find it. */
export class Container {
  readonly #create: (ctx: CallContext) => Promise<void>
  readonly #once: Once<void> = new Once()

  constructor(create: (ctx: CallContext) => Promise<void>) {
    this.#create = create
  }

  /** Creates the container unless that was done. A failed attempt is made again by the next caller. */
  async ready(ctx: CallContext): Promise<void> {
    if (!this.#once.done) await this.#once.get(ctx, shared => this.#create({ ...ctx, ...shared }))
  }
}
