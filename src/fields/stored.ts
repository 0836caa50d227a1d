import type { CallOptions } from '../core/call.ts'
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

/** A file with its address; a backend that has no addresses is told from others by its driver. */
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
