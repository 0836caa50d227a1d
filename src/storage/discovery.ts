import type { CallOptions } from '../core/call.ts'
import type { Driver, Features, RequestOptions } from '../core/driver.ts'
import { Once } from '../core/once.ts'
import type { CallRunner } from './call-runner.ts'

/** What a server can do, asked once; a failed question is asked again by the next who needs the answer. */
export class Discovery {
  readonly #features: Once<Features> = new Once()

  /** What the server said; undefined until it was asked. */
  get features(): Features | undefined {
    return this.#features.value
  }

  /** Asks, unless the answer is known or the driver has no question. */
  async run(driver: Driver, calls: CallRunner, request: RequestOptions, { signal }: CallOptions): Promise<void> {
    if (this.#features.done || driver.discover === undefined) return
    try {
      await this.#features.get({ signal }, shared =>
        calls.run('discover', undefined, { signal: shared.signal }, ctx => driver.discover!(ctx, request)),
      )
    } catch (error) {
      throw calls.failure(error, 'discover', undefined, signal)
    }
  }
}
