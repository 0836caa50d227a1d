import type { CallContext } from '../core/call.ts'
import { Once } from '../core/once.ts'

/** The bucket or container of a storage. It is created when a request finds it missing, and only once for parallel requests. */
export class Container {
  readonly #create: (ctx: CallContext) => Promise<void>
  readonly #once: Once<void> = new Once()

  constructor(create: (ctx: CallContext) => Promise<void>) {
    this.#create = create
  }

  /** Creates the container unless it was created before. After a failure, the next caller tries again. */
  async ready(ctx: CallContext): Promise<void> {
    if (!this.#once.done) await this.#once.get(ctx, shared => this.#create({ ...ctx, ...shared }))
  }
}
