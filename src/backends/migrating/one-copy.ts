import { Readable } from 'node:stream'
import { attributesOf } from '../../core/attributes.ts'
import type { Content } from '../../core/content.ts'
import { beginDigest } from '../../core/digests/digest.ts'
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
    await target.storage.discover({ signal })
    // Where the target has no etags, a copy is recognised by its bytes.
    const digest = mode === 'new' && !target.features.ifMatch ? new CopiedDigest() : undefined
    const content: Content = {
      size: decode === undefined ? stat.size : undefined,
      replayable: true,
      open: () => {
        const again = isTaken && from.createReadStream(given, { signal, etag: strongEtag(stat.etag) })
        isTaken = true
        const body = again || unpacked(reading.body.stream(), decode)
        return digest?.through(body) ?? body
      },
    }
    const { contentEncoding, ...attributes } = attributesOf(stat)
    const encoding = decode === undefined ? contentEncoding : undefined
    const written = await put(target, key, content, { ...attributes, contentEncoding: encoding }, mode, caller)
    if (written === 'taken') return false
    if (mode === 'replace') return true
    const remove = (): Promise<void> => removeCopy(target, key, written?.etag, async () => digest?.value, caller)
    const now = await ownStat(source, key, caller)
    if (now === undefined || !isSameState(stat, now)) {
      await remove()
      return false
    }
    // A newer file keeps its own time.
    if (!(await isStill(target, key, written, caller))) return true
    const time = now.isRoughTime === true ? undefined : now.modifiedAt
    await carried?.carry(given, target.entry(key), caller.signal, time).catch(async error => {
      // It is tried again later.
      await remove()
      throw error
    })
    return true
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

/**
 * Removes the version that was just written; a file that replaced it stays. Without an etag, the file is that version if it has the bytes:
 * `sha256` returns their digest.
 */
export async function removeCopy(
  target: Side,
  key: string,
  etag: string | undefined,
  sha256: () => Promise<string | undefined>,
  caller: Caller,
): Promise<void> {
  const { storage } = target
  if (etag !== undefined && storage.features.deleteIfMatch === true) {
    await target.delete(key, etag, caller).catch(error => {
      if (!isStorageError(error, 'precondition_failed')) throw error
    })
    return
  }
  const found = await ownStat(target, key, caller)
  if (found === undefined) return
  const isOwn = etag === undefined ? await hasBytes(target, key, await sha256(), caller) : found.etag === etag
  if (isOwn) await target.delete(key, undefined, caller)
}

async function hasBytes(side: Side, key: string, sha256: string | undefined, { signal }: Caller): Promise<boolean> {
  return sha256 !== undefined && (await side.storage.checksum(side.entry(key), 'sha256', { signal })) === sha256
}

/** The SHA-256 of bytes that were sent. */
class CopiedDigest {
  #digest: ReturnType<typeof beginDigest> | undefined

  through(body: Readable): Readable {
    const digest = beginDigest('sha256')
    this.#digest = digest
    return Readable.from(hashed(body, digest), { objectMode: false })
  }

  get value(): string | undefined {
    return this.#digest?.digest()
  }
}

async function* hashed(body: Readable, digest: ReturnType<typeof beginDigest>): AsyncGenerator<Buffer> {
  for await (const chunk of body as AsyncIterable<Buffer>) {
    digest.update(chunk)
    yield chunk
  }
}

function unpacked(body: Readable, decode: ((body: Readable) => Readable) | undefined): Readable {
  return decode?.(body) ?? body
}

/** Whether the file is the version that was just written, as far as its storage sets times and thus may change a newer one. */
async function isStill(target: Side, key: string, written: Stat | undefined, caller: Caller): Promise<boolean> {
  if (written === undefined || !target.storage.supports('setModifiedTime')) return true
  const found = await ownStat(target, key, caller)
  return found !== undefined && isSameState(written, found)
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
