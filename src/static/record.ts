import type { Stat } from '../core/driver.ts'
import { sortKeys } from '../core/key-order.ts'

/** The file that a run has stored under a name. */
export interface StoredFile {
  /**
   * MD5 of the bytes before the storage transforms them, in hexadecimal; for a compressed sibling, that of the file that it was made of.
   */
  readonly md5: string
  /** The target's etag of it, or its version; '' where it has neither. */
  readonly version: string
  /** Size in bytes in the target; -1 where it is unknown. */
  readonly size: number
  /** Hash of the headers that were stored with it. */
  readonly headers: string
  /** The file of which this is a compressed sibling; '' for any other file. */
  readonly siblingOf: string
  /** Number of the last deploy that used this name; 0 for a plain name. */
  readonly deploy: number
}

/** Name of the record in the target. */
export const RECORD_NAME = 'staticfiles.collected.json'

/** The first line of a record. */
const HEAD = /^\{"version":1,"deploy":(\d{1,15}),"manifest":"([0-9a-f]{0,32})","removing":(\d{1,15}),"files":\{$/

/**
 * The files that former runs have stored in a target. The record is kept in the target itself, so that any machine can continue. It is JSON
 * with one line per file, and each file is kept as its text, since there may be very many.
 */
export class CollectedRecord {
  /** Number of the last manifest: it is increased for each manifest that differs. */
  deploy = 0
  /** Hash of that manifest; '' where none was written. */
  manifest = ''
  /** Time at which the run that wrote it began to remove files, in milliseconds since 1970; 0 when it had finished that. */
  removingSinceMs = 0
  readonly #files = new Map<string, string>()

  /** Reads a record; a damaged record is empty, and a damaged line is skipped. */
  static parse(text: string): CollectedRecord {
    const record = new CollectedRecord()
    let start = text.indexOf('\n') + 1
    const head = HEAD.exec(text.slice(0, Math.max(0, start - 1)))
    if (head === null) return record
    record.deploy = Number(head[1])
    record.manifest = head[2]!
    record.removingSinceMs = Number(head[3])
    for (let end = text.indexOf('\n', start); end >= 0; end = text.indexOf('\n', start)) {
      const value = text.indexOf(':[', nameEnd(text, start))
      const name = value < 0 || value > end ? undefined : parsed(text.slice(start, value))
      const isLast = text[end - 1] !== ','
      if (typeof name === 'string') record.#files.set(name, text.slice(value + 1, isLast ? end : end - 1))
      start = end + 1
    }
    return record
  }

  /** Returns the names of all files. */
  names(): IterableIterator<string> {
    return this.#files.keys()
  }

  has(name: string): boolean {
    return this.#files.has(name)
  }

  /** Returns the entry of a file; undefined without one. */
  get(name: string): StoredFile | undefined {
    const text = this.#files.get(name)
    const value = text === undefined ? undefined : parsed(text)
    if (!Array.isArray(value)) return undefined
    const [md5, version, size, headers, siblingOf = '', deploy = 0] = value
    const texts = [md5, version, headers, siblingOf].every(each => typeof each === 'string')
    const isWhole = texts && Number.isSafeInteger(size) && Number.isSafeInteger(deploy)
    return isWhole ? { md5, version, size, headers, siblingOf, deploy } : undefined
  }

  set(name: string, { md5, version, size, headers, siblingOf, deploy }: StoredFile): void {
    const more = deploy > 0 ? [siblingOf, deploy] : siblingOf === '' ? [] : [siblingOf]
    this.#files.set(name, JSON.stringify([md5, version, size, headers, ...more]))
  }

  /** Copies the entry of another record by reference, without a copy of its text. */
  take(name: string, other: CollectedRecord): void {
    const text = other.#files.get(name)
    if (text !== undefined) this.#files.set(name, text)
  }

  delete(name: string): void {
    this.#files.delete(name)
  }

  /** Returns the text of the record, in the order of names. */
  toText(): string {
    const lines = sortKeys([...this.#files.keys()]).map(name => `${JSON.stringify(name)}:${this.#files.get(name)}`)
    const about = `"deploy":${this.deploy},"manifest":${JSON.stringify(this.manifest)}`
    const head = `{"version":1,${about},"removing":${this.removingSinceMs},"files":{`
    return `${head}\n${lines.join(',\n')}\n}}\n`
  }
}

/** Returns the end of the JSON text that begins at `start`: behind the quote that is not escaped. */
function nameEnd(text: string, start: number): number {
  let at = start + 1
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Returns a value that changes with the bytes of a file in a storage: its etag, else its version; '' where it has neither. */
export function versionOf({ etag, versionId }: Pick<Stat, 'etag' | 'versionId'>): string {
  return etag ?? versionId ?? ''
}
