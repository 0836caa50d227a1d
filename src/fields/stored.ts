import type { CallOptions } from '../core/call.ts'
import { isStorageError } from '../core/errors.ts'
import { addressOf } from '../storage/address.ts'
import type { AnyStorage } from '../storage/storage.ts'
import type { StoredFile } from './claims.ts'

/** The location of a column's files. */
export interface FieldPlace {
  /** The attribute of the row that contains the file: `pdf`. */
  readonly attribute: string
  readonly storage: AnyStorage
  /** Prefix of all names; undefined where it is unknown. */
  readonly prefix: string | undefined
}

const numbers = new WeakMap<object, number>()
let count = 0

/** Returns a file with its address. For a backend without addresses, the driver object identifies the storage. */
export async function storedFile(storage: AnyStorage, name: string, options: CallOptions = {}): Promise<StoredFile> {
  const ref = storage.normalRef(name)
  const address = (await addressOf(storage, ref, options)) ?? `${numberOf(storage.calls.driver)} ${ref.key}`
  return { storage, name, address }
}

function numberOf(driver: object): number {
  let number = numbers.get(driver)
  if (number === undefined) numbers.set(driver, (number = ++count))
  return number
}

/**
 * Returns the names that files have in another storage: the same names in a storage of the same location, longer or shorter ones where one
 * storage is a folder of the other. Undefined for a file that is not in it.
 */
export async function namesInStorage(
  files: readonly StoredFile[],
  storage: AnyStorage,
  options: CallOptions = {},
): Promise<(string | undefined)[]> {
  const isOwn = files.every(file => file.storage === storage)
  const root = isOwn ? null : await rootOf(storage, options)
  const names: (string | undefined)[] = []
  for (const file of files) {
    names.push(file.storage === storage ? file.name : await nameBelow(root, file, storage, options))
  }
  return names
}

/** Returns the name that one file has in another storage. */
export async function nameInStorage(
  file: StoredFile,
  storage: AnyStorage,
  options: CallOptions = {},
): Promise<string | undefined> {
  return (await namesInStorage([file], storage, options))[0]
}

const PROBE = 'x'

/** Returns the prefix of the addresses of all files in a storage; null where they do not end with the name. */
async function rootOf(storage: AnyStorage, options: CallOptions): Promise<string | null> {
  const { address } = await storedFile(storage, PROBE, options)
  return address.endsWith(PROBE) ? address.slice(0, -PROBE.length) : null
}

async function nameBelow(
  root: string | null,
  file: StoredFile,
  storage: AnyStorage,
  options: CallOptions,
): Promise<string | undefined> {
  if (root === null || !file.address.startsWith(root)) return undefined
  const rest = file.address.slice(root.length)
  for (const name of new Set([file.name, rest, decoded(rest)])) {
    const other = await storedFile(storage, name, options).catch(error => {
      if (isStorageError(error, 'suspicious_name')) return undefined
      throw error
    })
    if (other?.address === file.address) return name
  }
  return undefined
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
