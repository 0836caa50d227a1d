import type { CallOptions } from '../core/call.ts'
import type { Driver, Features, RequestOptions } from '../core/driver.ts'
import { Once } from '../core/once.ts'
import type { CallRunner } from './call-runner.ts'

/** The features of a server, requested once. After a failure the next caller that needs the answer requests it again. */
export class Discovery {
  readonly #features: Once<Features> = new Once()

  /** The features that the server reported; undefined before it was asked. */
  get features(): Features | undefined {
    return this.#features.value
  }

  /** Asks the server, unless the answer is known or the driver has no request for it. */
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
