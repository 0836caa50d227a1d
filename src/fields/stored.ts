import type { CallOptions } from '../core/call.ts'
import { isStorageError } from '../core/errors.ts'
import { addressOf } from '../storage/address.ts'
import type { AnyStorage } from '../storage/storage.ts'
import type { StoredFile } from './claims.ts'

/** Where the files of a column are. */
export interface FieldPlace {
  /** The attribute of the row that holds the file: `pdf`. */
  readonly attribute: string
  readonly storage: AnyStorage
  /** What all names begin with; undefined where that is not known. */
  readonly prefix: string | undefined
}

const numbers = new WeakMap<object, number>()
let count = 0

/** A file with its address; a file of a backend without addresses is known by the driver object. */
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
 * The name that a file has in another storage: the same one in a storage of the same place, a longer or shorter one where one storage is a folder
 * of the other. Undefined where it is not in there.
 */
export async function nameInStorage(
  file: StoredFile,
  storage: AnyStorage,
  options: CallOptions = {},
): Promise<string | undefined> {
  if (storage === file.storage) return file.name
  const probe = (await storedFile(storage, PROBE, options)).address
  const root = probe.slice(0, -PROBE.length)
  if (!probe.endsWith(PROBE) || !file.address.startsWith(root)) return undefined
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

const PROBE = 'x'

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
