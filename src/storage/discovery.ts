import { abortable } from '../core/abort.ts'
import type { CallOptions } from '../core/call.ts'
import type { Driver, Features, RequestOptions } from '../core/driver.ts'
import type { CallRunner } from './call-runner.ts'

/** What a server can do, asked once; a failed question is asked again by the next who needs the answer. */
export class Discovery {
  #features: Features | undefined
  #asking: Promise<void> | undefined

  /** What the server said; undefined until it was asked. */
  get features(): Features | undefined {
    return this.#features
  }

  /** Asks, unless the answer is known or the driver has no question. */
  async run(driver: Driver, calls: CallRunner, request: RequestOptions, options: CallOptions): Promise<void> {
    if (this.#features !== undefined || driver.discover === undefined) return
    // One question for all who wait; whoever gives up waiting does not end it for the others.
    this.#asking ??= calls
      .run('discover', undefined, {}, ctx => driver.discover!(ctx, request))
      .then(features => {
        this.#features = features
      })
      .finally(() => {
        this.#asking = undefined
      })
    const { signal } = options
    if (signal === undefined) return this.#asking
    await abortable(this.#asking, signal).catch(error => {
      throw calls.failure(error, 'discover', undefined, signal)
    })
  }
}
