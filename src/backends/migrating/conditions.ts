import type { WriteOptions } from '../../core/driver.ts'
import { isStorageError, type Outcome, StorageError } from '../../core/errors.ts'
import { unmarked } from './marks.ts'
import { haveSameBytes } from './one-copy.ts'
import type { Caller, Side } from './side.ts'
import type { Sides } from './sides.ts'

type Conditions = Pick<WriteOptions, 'ifAbsent' | 'isNew' | 'ifMatch'>

/** Returns the storage that an etag of the storage over both is from, and that storage's own etag. */
export function versionIn({ first, second }: Sides, etag: string): { readonly side: Side; readonly etag: string } {
  const { side, etag: own } = unmarked(etag)
  return { side: first.title === side ? first : second, etag: own }
}

/**
 * Returns the conditions for a write in `first`. `ifAbsent` needs a name that is free in
 * both, where both are read. An etag of `second` is that of the current file as
 * long as `first` lacks the file, or has a copy with the same bytes.
 */
export async function conditionsFor(
  sides: Sides,
  key: string,
  given: Conditions,
  caller: Caller,
): Promise<Required<Conditions>> {
  const { ifAbsent, isNew, ifMatch } = await ownConditions(sides, key, given, caller)
  return { ifAbsent, isNew, ifMatch }
}

async function ownConditions(
  sides: Sides,
  key: string,
  { ifAbsent, isNew, ifMatch }: Conditions,
  caller: Caller,
): Promise<Conditions> {
  const { first, second } = sides
  if (ifMatch === undefined) {
    const asks = sides.fallsBack && (ifAbsent === true || isNew === true)
    if (asks && (await second.find(key, caller)) !== undefined) {
      throw new StorageError('exists', `'${key}' exists in '${second.title}'.`, { fileName: key })
    }
    return { ifAbsent, isNew }
  }
  const version = versionIn(sides, ifMatch)
  if (version.side === first) return { ifMatch: version.etag }
  const current = await currentCopy(sides, key, ifMatch, caller)
  if (current !== undefined) return { ifMatch: current }
  return first.features.exclusiveCreate ? { ifAbsent: true } : { isNew: true }
}

/**
 * Checks that a version of `second` is the current file. Returns the etag of its copy in `first`, or undefined if `first` lacks the file. Code
 * `precondition_failed` if it is no longer the current file.
 */
export async function currentCopy(
  sides: Sides,
  key: string,
  etag: string,
  caller: Caller,
): Promise<string | undefined> {
  const { first, second } = sides
  const [copy, old] = await Promise.all([first.find(key, caller), second.find(key, caller)])
  if (!sides.fallsBack || old?.etag !== etag) throw outdated(key)
  if (copy === undefined) return undefined
  if (copy.size !== old.size || copy.etag === undefined || !(await haveSameBytes(first, second, key, caller))) {
    throw outdated(key)
  }
  return unmarked(copy.etag).etag
}

/** Returns the error of a condition on the version of a file. */
export function outdated(key: string, outcome?: Outcome): StorageError {
  return new StorageError('precondition_failed', `'${key}' is not that version any more.`, { fileName: key, outcome })
}

/** Returns the error for a write whose name was taken meanwhile: another version than the expected one, or a name that is not free. */
export function takenMeanwhile(error: unknown, key: string, given: Conditions): unknown {
  return given.ifMatch !== undefined && isStorageError(error, 'exists') ? outdated(key) : error
}
