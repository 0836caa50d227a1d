import { closeSync, fstatSync, mkdirSync, openSync, readSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Stat } from '../core/driver.ts'
import { classifyErrno, errnoOf } from '../core/errno.ts'
import { StorageError } from '../core/errors.ts'
import { temporaryName } from '../core/hidden-names.ts'
import { compareKeys } from '../core/key-order.ts'
import { JsonLinesWriter, linesOf } from './json-lines.ts'
import type { Keyed } from './merge.ts'

/** How both sides were listed when a file was known to be equal. */
export interface RecordedPair extends Keyed {
  readonly source: string
  readonly target: string
}

const HEAD = { holdallSync: 1 }
/** Prefix of every record, in any version. */
const MAGIC = '{"holdallSync":'
/** Maximum number of lines that wait for an earlier one whose file is being copied. */
const MAX_WAITING = 100_000

/** A line whose position in the order is reserved until its content is known. */
export class Slot {
  line: string | undefined
  isKnown = false
}

/**
 * The record of a run, in the order of the keys. The record of the last run is read in parallel with the listings; the new one is written
 * beside it and replaces it at the end. Neither is held in memory.
 */
export class SyncRecord {
  readonly #path: string
  readonly #order: string
  readonly #newPath: string
  /** Whether there is a record to read, which belongs to this user. */
  readonly #isReadable: boolean
  /** Undefined if the record is only read. */
  readonly #writer: JsonLinesWriter | undefined
  #waiting: Slot[] = []
  #head = 0
  #lastKey: string | undefined
  #wake: (() => void) | undefined

  /**
   * `order` is the order of the keys: a record in another order is ignored, and so is that of another user. With `isReadOnly` nothing is
   * written. `invalid_argument`: the file is not a record, and is not replaced. The code of the system's error: the record cannot be
   * written.
   */
  constructor(path: string, order: 'bytes' | 'folded', isReadOnly: boolean) {
    this.#path = path
    this.#order = order
    this.#newPath = `${dirname(path)}/${temporaryName()}`
    this.#isReadable = isRecord(path)
    if (isReadOnly) return
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
      this.#writer = new JsonLinesWriter(this.#newPath)
      this.#writer.write(this.#headLine)
    } catch (error) {
      throw unwritable(path, error)
    }
  }

  get #headLine(): string {
    return JSON.stringify({ ...HEAD, order: this.#order })
  }

  /** Returns the pairs of the last run, in the order of the keys. A damaged record ends at the damage. */
  async *read(): AsyncGenerator<RecordedPair> {
    if (!this.#isReadable) return
    let last: string | undefined
    let isFirst = true
    for await (const line of linesOf(this.#path)) {
      if (isFirst && line !== this.#headLine) return
      if (isFirst) {
        isFirst = false
        continue
      }
      const pair = parsed(line)
      if (pair === undefined || (last !== undefined && compareKeys(last, pair.key) >= 0)) return
      last = pair.key
      yield pair
    }
  }

  /** Adds a pair that is known to be equal; keys come in their order. */
  add(key: string, source: string | undefined, target: string | undefined): void {
    if (source === undefined || target === undefined) return
    const slot = this.reserve(key)
    this.fill(slot, key, source, target)
  }

  /** Reserves the position of a key whose file is still to be copied. Every slot must be filled. */
  reserve(key: string): Slot {
    const slot = new Slot()
    this.#waiting.push(slot)
    this.#lastKey = key
    return slot
  }

  /** Fills a slot; without both sides the file is not recorded. */
  fill(slot: Slot, key: string, source?: string | undefined, target?: string | undefined): void {
    slot.isKnown = true
    if (source !== undefined && target !== undefined) slot.line = JSON.stringify([key, source, target])
    this.#flush()
  }

  /** Waits while too many lines wait for an earlier one. */
  async room(): Promise<void> {
    while (this.#waiting.length - this.#head > MAX_WAITING) {
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
  }

  /** Replaces the record. After a run that ended early, the last run's pairs behind the last file are kept. */
  async finish(isComplete: boolean): Promise<void> {
    if (this.#writer === undefined) return
    try {
      for (const slot of this.#waiting) slot.isKnown = true
      this.#flush()
      if (!isComplete) {
        for await (const { key, source, target } of this.read()) {
          const isBehind = this.#lastKey === undefined || compareKeys(key, this.#lastKey) > 0
          if (isBehind) this.#writer.write(JSON.stringify([key, source, target]))
        }
      }
      this.#writer.close()
      renameSync(this.#newPath, this.#path)
    } catch (error) {
      throw unwritable(this.#path, error)
    } finally {
      rmSync(this.#newPath, { force: true })
    }
  }

  #flush(): void {
    for (let slot = this.#waiting[this.#head]; slot?.isKnown === true; slot = this.#waiting[this.#head]) {
      if (slot.line !== undefined) this.#writer?.write(slot.line)
      this.#head++
    }
    if (this.#head > 1000 && this.#head * 2 > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#head)
      this.#head = 0
    }
    this.#wake?.()
  }
}

/**
 * Whether a file can be read as a record. A file of another user, and an unreadable one, cannot: it might list files as equal that are not.
 * A file with other contents is rejected. An empty file, or one that begins with zeros, is the result of a power failure.
 */
function isRecord(path: string): boolean {
  let descriptor: number | undefined
  try {
    descriptor = openSync(path, 'r')
    const stats = fstatSync(descriptor)
    const buffer = Buffer.alloc(MAGIC.length)
    const text = stats.isFile() ? buffer.toString('latin1', 0, readSync(descriptor, buffer)) : path
    if (!text.startsWith(MAGIC) && !/^\s*$/.test(text) && !text.startsWith('\0')) throw noRecord(path)
    return stats.uid === (process.geteuid?.() ?? stats.uid)
  } catch (error) {
    if (errnoOf(error) === undefined || error instanceof StorageError) throw error
    return false
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

function noRecord(path: string): StorageError {
  return new StorageError('invalid_argument', `record: '${path}' is no record of sync, and is not replaced.`)
}

function unwritable(path: string, cause: unknown): unknown {
  const code = classifyErrno(cause)
  if (code === undefined) return cause
  return new StorageError(code, `record: '${path}' cannot be written.`, { fileName: path, cause })
}

function parsed(line: string): RecordedPair | undefined {
  try {
    const [key, source, target] = JSON.parse(line) as readonly unknown[]
    const areTexts = typeof key === 'string' && typeof source === 'string' && typeof target === 'string'
    return areTexts ? { key, source, target } : undefined
  } catch {
    return undefined
  }
}

/**
 * Time in milliseconds within which a file of a service without etags can change again without a new time: for times in whole seconds, and
 * clocks that differ by a minute.
 */
const SAME_TIME_MS = 60_000
/** The same for local disks, whose etags contain nanoseconds: a tick of the system's clock. */
const SAME_TICK_MS = 100

/**
 * Returns the state of a file from its listing; undefined if the listing is not sufficient to distinguish two states. For a file of this
 * machine it includes the creation time, since the modification time can be set back.
 */
export function stateOf(stat: Stat, isLocal: boolean): string | undefined {
  const { size, etag, versionId, modifiedAt, createdAt, isRoughTime } = stat
  const time = isRoughTime === true ? undefined : modifiedAt?.getTime()
  const version = etag ?? versionId ?? time
  if (version === undefined) return undefined
  const state = `${Number.isNaN(size) ? '-' : size} ${version}`
  return isLocal ? `${state} ${createdAt?.getTime() ?? '-'}` : state
}

/** The same for a source, which may change again: undefined if it has changed so recently that another change would not be visible. */
export function settledState(stat: Stat, isLocal: boolean, nowMs: number = Date.now()): string | undefined {
  const { etag, versionId, modifiedAt } = stat
  const isTimed = isLocal || (etag === undefined && versionId === undefined)
  if (isTimed && modifiedAt !== undefined) {
    const ageMs = nowMs - modifiedAt.getTime()
    // The next change of a file of this machine gets the present time, far from one that was set to the future.
    const isRecent = isLocal ? ageMs < SAME_TICK_MS && ageMs > -SAME_TIME_MS : ageMs < SAME_TIME_MS
    if (isRecent) return undefined
  }
  return stateOf(stat, isLocal)
}
