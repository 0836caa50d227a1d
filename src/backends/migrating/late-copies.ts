import { abortable, never } from '../../core/abort.ts'
import { CarriedAttributes } from '../../storage/carried-attributes.ts'
import { checkExclusive } from '../../storage/save.ts'
import { copyOne } from './one-copy.ts'
import type { Side } from './side.ts'

/** Maximum number of copies in progress. */
const PARALLEL = 4
/** Maximum number of names that wait. A name beyond it is copied after a later read. */
const MAX_WAITING = 10_000

/** The number of files copied after a read. */
export interface LateCopyCounts {
  readonly copied: number
  /** Copies that failed; each is tried again after the next read of its file. */
  readonly failed: number
  /** Copies in progress, and those that wait. */
  readonly pending: number
}

interface Running {
  readonly done: Promise<boolean>
  readonly controller: AbortController
}

/**
 * Copies files from one storage to the other, each once at a time. A name that is held, because its file is being deleted, is not copied: the
 * copy would bring the file back.
 */
export class LateCopies {
  readonly #source: Side
  readonly #target: Side
  readonly #carried: CarriedAttributes
  readonly #running = new Map<string, Running>()
  readonly #waiting = new Set<string>()
  readonly #held = new Map<string, number>()
  #copied = 0
  #failed = 0

  constructor(source: Side, target: Side) {
    this.#source = source
    this.#target = target
    const given = { times: true, visibility: true, mayBeDenied: true }
    this.#carried = new CarriedAttributes(source.storage, target.storage, given)
  }

  get counts(): LateCopyCounts {
    return { copied: this.#copied, failed: this.#failed, pending: this.#running.size + this.#waiting.size }
  }

  /** Copies the file in the background, unless the target has one. Never fails. */
  offer(key: string): void {
    if (this.#running.has(key) || this.#held.has(key) || this.#waiting.size >= MAX_WAITING) return
    if (!this.#target.canName(key)) return
    this.#waiting.add(key)
    this.#next()
  }

  /** Copies the file now, unless the target has one or the source has none. Waits for a copy of the file that is in progress. */
  async bring(key: string, signal: AbortSignal): Promise<void> {
    const running = this.#running.get(key)
    if (
      running !== undefined &&
      (await abortable(
        running.done.catch(() => false),
        signal,
      ))
    )
      return
    if (!this.#target.canName(key) || (await this.#target.find(key, { signal })) !== undefined) return
    await copyOne(this.#source, this.#target, key, { signal, mode: 'new', carried: this.#carried })
  }

  /**
   * Runs work that deletes files, or whose conditions a copy would break. Copies of the files are ended first, and none begins before the work
   * has ended.
   */
  async hold<T>(keys: readonly string[], signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    for (const key of keys) {
      this.#held.set(key, (this.#held.get(key) ?? 0) + 1)
      this.#waiting.delete(key)
    }
    try {
      const ended = keys.flatMap(key => this.#running.get(key) ?? [])
      for (const { controller } of ended) controller.abort()
      if (ended.length > 0) await abortable(Promise.allSettled(ended.map(({ done }) => done)), signal)
      return await work()
    } finally {
      for (const key of keys) {
        const left = this.#held.get(key)! - 1
        if (left === 0) this.#held.delete(key)
        else this.#held.set(key, left)
      }
    }
  }

  /** Resolves when no copy is in progress and none waits. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled([...this.#running.values()].map(({ done }) => done))
  }

  #next(): void {
    for (const key of this.#waiting) {
      if (this.#running.size >= PARALLEL) return
      this.#waiting.delete(key)
      const controller = new AbortController()
      const done = this.#copy(key, controller.signal).finally(() => {
        this.#running.delete(key)
        this.#next()
      })
      done.catch(() => undefined)
      this.#running.set(key, { done, controller })
    }
  }

  async #copy(key: string, reading: AbortSignal): Promise<boolean> {
    const signal = never()
    try {
      if ((await this.#target.find(key, { signal })) !== undefined) return false
      await this.#target.storage.discover({ signal })
      checkExclusive(this.#target.storage)
      reading.throwIfAborted()
      const given = { signal, reading, mode: 'new', carried: this.#carried } as const
      const isCopied = await copyOne(this.#source, this.#target, key, given)
      if (isCopied) this.#copied++
      return isCopied
    } catch (error) {
      if (!reading.aborted) this.#failed++
      throw error
    }
  }
}
