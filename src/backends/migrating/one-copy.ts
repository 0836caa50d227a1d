import { attributesOf } from '../../core/attributes.ts'
import type { Content } from '../../core/content.ts'
import type { ReadStat, Stat } from '../../core/driver.ts'
import { isStorageError, StorageError } from '../../core/errors.ts'
import { strongEtag } from '../../core/etags.ts'
import { readVersion, withAttributes } from '../../storage/bodies.ts'
import type { CarriedAttributes } from '../../storage/carried-attributes.ts'
import { writeContent } from '../../storage/write.ts'
import type { Caller, Side } from './side.ts'

/** How a copy writes: `new` creates the file only if its name is free, `replace` replaces one. */
export type CopyMode = 'new' | 'replace'

/** Options of `copyOne`. */
export interface CopyOptions extends Caller {
  readonly mode: CopyMode
  /** Ends the copy while the source is read, in place of `signal`: a write that has all bytes is still waited for. */
  readonly reading?: AbortSignal | undefined
  /** Sets the modification time and the visibility of a new file. */
  readonly carried?: CarriedAttributes | undefined
}

/**
 * Copies one file with its attributes (content type, cache control, metadata) as a stream. Mode `new` never replaces a file, and removes its
 * own copy again if the source was changed or deleted while it was copied. Returns whether the target has a copy of the source now; a name that
 * is taken and a missing source are no errors.
 */
export async function copyOne(source: Side, target: Side, key: string, options: CopyOptions): Promise<boolean> {
  const { mode, carried, reading: signal = options.signal, ...caller } = options
  const from = source.storage
  const given = source.entry(key)
  const reading = await readVersion(from, source.ref(key), undefined, {}, { signal }).catch(error => {
    if (isStorageError(error, 'not_found')) return undefined
    throw error
  })
  if (reading === undefined) return false
  let isTaken = false
  try {
    const stated = reading.stat
    const known =
      stated === undefined ? await from.stat(given, { signal }) : await withAttributes(from, given, stated, { signal })
    const stat: ReadStat & { readonly name: string } = { ...known, name: key }
    if (stat.isDirectory === true) return false
    const decode = from.decoder(stat)
    const content: Content = {
      size: decode === undefined ? stat.size : undefined,
      replayable: true,
      open: () => {
        if (isTaken) return from.createReadStream(given, { signal, etag: strongEtag(stat.etag) })
        isTaken = true
        const body = reading.body.stream()
        return decode?.(body) ?? body
      },
    }
    const { contentEncoding, ...attributes } = attributesOf(stat)
    const encoding = decode === undefined ? contentEncoding : undefined
    const written = await put(target, key, content, { ...attributes, contentEncoding: encoding }, mode, caller)
    if (written === 'taken') return false
    if (mode === 'replace') return true
    const now = await confirmed(source, target, key, stat, written, caller)
    if (now !== undefined) await complete(source, target, key, now, written, { ...caller, carried })
    return now !== undefined
  } finally {
    if (!isTaken) reading.body.release()
  }
}

async function put(
  target: Side,
  key: string,
  content: Content,
  attributes: ReturnType<typeof attributesOf>,
  mode: CopyMode,
  { signal }: Caller,
): Promise<Stat | undefined | 'taken'> {
  const { storage } = target
  await storage.discover({ signal })
  const condition = mode === 'replace' ? {} : storage.features.exclusiveCreate ? { ifAbsent: true } : { isNew: true }
  const ref = target.ref(key)
  const options = { ...storage.writeOptions(ref, content, attributes), ...condition }
  try {
    return await writeContent(storage, ref, content, options, { signal })
  } catch (error) {
    if (mode === 'new' && isStorageError(error, 'exists')) return 'taken'
    throw error
  }
}

/** Sets the other attributes of a copy. One that fails is removed, so that it is tried again. */
async function complete(
  source: Side,
  target: Side,
  key: string,
  { isRoughTime, modifiedAt }: Stat,
  written: Stat | undefined,
  { carried, ...caller }: Omit<CopyOptions, 'mode'>,
): Promise<void> {
  const time = isRoughTime === true ? undefined : modifiedAt
  try {
    await carried?.carry(source.entry(key), target.entry(key), caller.signal, time)
  } catch (error) {
    await removeCopy(target, key, written?.etag, caller)
    throw error
  }
}

/**
 * Checks that the source is still the file that was copied, and returns its stat. If it is not, the copy is removed, but never a newer file.
 */
async function confirmed(
  source: Side,
  target: Side,
  key: string,
  before: ReadStat,
  written: Stat | undefined,
  caller: Caller,
): Promise<Stat | undefined> {
  const { signal } = caller
  const now = await ownStat(source, key, { signal })
  if (now !== undefined && isSameState(before, now)) return now
  await removeCopy(target, key, written?.etag, caller)
  return undefined
}

/** Removes the version that was just written; a file that replaced it stays. */
export async function removeCopy(
  target: Side,
  key: string,
  etag: string | undefined,
  { signal }: Caller,
): Promise<void> {
  if (etag === undefined) return
  const { storage } = target
  if (storage.features.deleteIfMatch === true) {
    await target.delete(key, etag, { signal }).catch(error => {
      if (!isStorageError(error, 'precondition_failed')) throw error
    })
    return
  }
  const found = await ownStat(target, key, { signal })
  if (found?.etag === etag) await target.delete(key, undefined, { signal })
}

/** Returns the stat of a file with the etag of its storage; undefined if it is missing. */
async function ownStat(side: Side, key: string, { signal }: Caller): Promise<Stat | undefined> {
  try {
    return await side.storage.stat(side.entry(key), { signal })
  } catch (error) {
    if (isStorageError(error, 'not_found', 'not_a_directory')) return undefined
    throw error
  }
}

function isSameState(before: ReadStat, now: Stat): boolean {
  if (before.etag !== undefined) return before.etag === now.etag
  const isSameTime = before.modifiedAt === undefined || +before.modifiedAt === +(now.modifiedAt ?? 0)
  return isSameTime && (before.size === undefined || before.size === now.size)
}

/** Whether two files have the same bytes: by the digests that both storages know, else by reading. */
export async function haveSameBytes(a: Side, b: Side, key: string, { signal }: Caller): Promise<boolean> {
  const digests = await Promise.all(
    [a, b].map(side => side.storage.checksum(side.entry(key), 'sha256', { signal })),
  ).catch(error => {
    if (isStorageError(error, 'not_found', 'precondition_failed')) return undefined
    throw error
  })
  if (digests === undefined) return false
  const [one, other] = digests
  if (one === undefined || other === undefined) throw new StorageError('unknown', 'A digest is missing.')
  return one === other
}
