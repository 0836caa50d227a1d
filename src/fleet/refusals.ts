import type { StorageError } from '../core/errors.ts'

/** Time in milliseconds after which a worker tries to open a migration again. */
const AGAIN_MS = 60_000

interface Refusal {
  readonly error: StorageError
  readonly sinceMs: number
}

/** Migrations that a worker cannot open: its settings are wrong, or the places. Other workers may be able to. */
export class Refusals {
  readonly #refusals = new Map<string, Refusal>()

  /** Adds a migration; returns whether this error is a new one. */
  add(migration: string, error: StorageError): boolean {
    const before = this.#refusals.get(migration)?.error
    this.#refusals.set(migration, { error, sinceMs: performance.now() })
    return before?.message !== error.message
  }

  delete(migration: string): void {
    this.#refusals.delete(migration)
  }

  /** Migrations whose jobs are not to be taken now. */
  get current(): string[] {
    const fromMs = performance.now() - AGAIN_MS
    return [...this.#refusals].filter(([, { sinceMs }]) => sinceMs > fromMs).map(([id]) => id)
  }

  errorOf(migration: string): StorageError | undefined {
    return this.#refusals.get(migration)?.error
  }

  /** The errors of all of them. */
  get all(): ReadonlyMap<string, StorageError> {
    return new Map([...this.#refusals].map(([id, { error }]) => [id, error]))
  }
}
