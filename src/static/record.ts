import type { Stat } from '../core/driver.ts'
import { compareKeys } from '../core/key-order.ts'

/** What a run has stored under a name. */
export interface StoredFile {
  /** MD5 of the bytes as they were given to the storage, in hexadecimal; of a compressed sibling, those of the file that it was made of. */
  readonly md5: string
  /** The target's etag of it, or its version; '' where it has neither. */
  readonly version: string
  /** Bytes in the target; -1 where that was not known. */
  readonly size: number
  /** Hash of the headers that were stored with it. */
  readonly headers: string
  /** The file that this is a compressed sibling of; '' for a file of its own. */
  readonly siblingOf: string
  /** Number of the last deploy that used this name; 0 for a plain name. */
  readonly deploy: number
}

/** What former runs have stored in a target: kept in the target itself, so that any machine can go on. */
export interface CollectedRecord {
  /** Number of the last manifest: it grows with each one that differs. */
  readonly deploy: number
  /** Hash of that manifest; '' where none was written. */
  readonly manifest: string
  readonly files: ReadonlyMap<string, StoredFile>
}

/** Name of the record in the target. */
export const RECORD_NAME = 'staticfiles.collected.json'

/** What changes with the bytes of a file in a storage: its etag, else its version; '' where it has neither. */
export function versionOf({ etag, versionId }: Pick<Stat, 'etag' | 'versionId'>): string {
  return etag ?? versionId ?? ''
}

/** A record before the first run. */
export const EMPTY_RECORD: CollectedRecord = { deploy: 0, manifest: '', files: new Map() }

/** Reads a record; undefined for what is none. An entry that cannot be read is left out. */
export function parseRecord(text: string): CollectedRecord | undefined {
  try {
    const parsed: unknown = JSON.parse(text)
    const { version, deploy, manifest, files } = (parsed ?? {}) as Record<string, unknown>
    if (version !== 1 || typeof files !== 'object' || files === null) return undefined
    const found = new Map<string, StoredFile>()
    for (const [name, value] of Object.entries(files)) {
      const file = parseFile(value)
      if (file !== undefined) found.set(name, file)
    }
    const number = Number.isSafeInteger(deploy) ? (deploy as number) : 0
    return { deploy: number, manifest: typeof manifest === 'string' ? manifest : '', files: found }
  } catch {
    return undefined
  }
}

function parseFile(value: unknown): StoredFile | undefined {
  if (!Array.isArray(value)) return undefined
  const [md5, version, size, headers, siblingOf = '', deploy = 0] = value
  const texts = [md5, version, headers, siblingOf].every(each => typeof each === 'string')
  return texts && Number.isSafeInteger(size) && Number.isSafeInteger(deploy)
    ? { md5, version, size, headers, siblingOf, deploy }
    : undefined
}

/** The text of a record: one line a file, in the order of names. */
export function serializeRecord({ deploy, manifest, files }: CollectedRecord): string {
  const lines = [...files]
    .sort(([a], [b]) => compareKeys(a, b))
    .map(([name, { md5, version, size, headers, siblingOf, deploy: last }]) => {
      const more = last > 0 ? [siblingOf, last] : siblingOf === '' ? [] : [siblingOf]
      return `${JSON.stringify(name)}:${JSON.stringify([md5, version, size, headers, ...more])}`
    })
  return `{"version":1,"deploy":${deploy},"manifest":${JSON.stringify(manifest)},"files":{\n${lines.join(',\n')}\n}}\n`
}
