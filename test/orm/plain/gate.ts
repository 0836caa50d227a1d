/** A thing that others wait for. */
export class Gate {
  readonly #passed = Promise.withResolvers<void>()
  readonly #reached = Promise.withResolvers<void>()

  /** Waits until the gate opens. */
  async pass(): Promise<void> {
    this.#reached.resolve()
    await this.#passed.promise
  }

  /** Resolves when someone stands before it. */
  get reached(): Promise<void> {
    return this.#reached.promise
  }

  open(): void {
    this.#passed.resolve()
  }
}
