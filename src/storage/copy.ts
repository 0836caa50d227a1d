import { ATTRIBUTES, attributesOf } from '../core/attributes.ts'
import type { CallOptions, FileRef } from '../core/call.ts'
import { asContent, type Content, type ContentProvider } from '../core/content.ts'
import type { FileAttributes, ReadStat, WriteOptions } from '../core/driver.ts'
import { isStorageError, StorageError, withOutcome } from '../core/errors.ts'
import { checkKnownOptions, type KnownOptions } from '../core/known-options.ts'
import { validateFileName } from '../core/names.ts'
import type { ResumedBody } from '../files/resume.ts'
import { addressesOf } from './address.ts'
import type { AnyBase } from './base.ts'
import { type Reading, readVersion, withAttributes } from './bodies.ts'
import { limitedUnpacked } from './compression.ts'
import { nameIn } from './entry-keys.ts'
import { checkNoKeptDigest } from './kept-digest.ts'
import { inParts, PART_SIZE } from './parallel-read.ts'
import { checkConditions, checkExclusive, isTaken, MAX_NAMES, SAVE_OPTIONS, targetOf } from './save.ts'
import { readStream } from './streams.ts'
import type { NameOrEntry, ReadStreamOptions, SaveOptions } from './types.ts'
import { attributesOnly } from './write.ts'

/** Options of `copy` and `move`. */
export interface CopyFileOptions extends Omit<SaveOptions, 'maxSize' | 'ifMatch' | 'verify'> {
  /** Another storage to copy into. Default: the same storage. */
  readonly storage?: AnyBase | undefined
}

const { maxSize: _, ifMatch: __, verify: ___, ...saveOptions } = SAVE_OPTIONS
const COPY_OPTIONS: KnownOptions<CopyFileOptions> = { ...saveOptions, storage: true }

/** The two files of a copy. */
interface Pair {
  readonly source: AnyBase
  /** The source as the caller passed it. */
  readonly given: NameOrEntry
  readonly from: FileRef
  readonly target: AnyBase
  readonly to: FileRef
}

/**
 * How a copy handles a taken name. `policy`: as the options state. `only`: fails with `exists`; where the service has no such condition,
 * the name is checked just before.
 */
export type Naming = 'policy' | 'only'

/** Copies a file, on the server where the storage can, else by streaming. Returns the stored name. */
export async function copyFile(
  source: AnyBase,
  from: NameOrEntry,
  to: string,
  options: CopyFileOptions,
  naming: Naming = 'policy',
): Promise<string> {
  const pair = begin('copy', source, from, to, options)
  return copyPair(pair, options, naming)
}

async function copyPair(pair: Pair, options: CopyFileOptions, naming: Naming): Promise<string> {
  const { source, given, from: ref, target, to: wanted } = pair
  const plan = await planOf(target, options, naming)
  const { save } = plan
  if (target === source) {
    const name = await native('copy', pair, plan)
    if (name !== undefined) return name
  }
  const { name } = ref
  // The first answer contains size, attributes and version: no request is made before it.
  const first = await readVersion(source, ref, undefined, {}, { signal: save.signal })
  const { stat: told } = first
  const parallel = parallelOf(source, target, first)
  const body = parallel === 1 ? first.body : besides(source, ref, first, { signal: save.signal, parallel })
  let isOpen = false
  const take = (): ResumedBody | undefined => {
    if (isOpen) return undefined
    isOpen = true
    return body
  }
  try {
    const asked = { signal: save.signal }
    const stat =
      told === undefined
        ? await source.stat(given, asked)
        : { ...(await withAttributes(source, given, told, asked)), name }
    if (stat.isDirectory) throw new StorageError('is_directory', `'${name}' is a directory.`, { fileName: name })
    if (plan.asksFirst) await checkFree(target, wanted, asked)
    const content = contentOf(source, target, given, stat, take, { signal: save.signal, parallel })
    return await target.save(wanted.name, content, { ...copiedAttributes(source, stat), ...save })
  } finally {
    if (!isOpen) body.release()
  }
}

/** Number of parallel requests for a large file that is copied to another storage, and the size in bytes above which a file is large. */
const PARALLEL = 4
const LARGE = 2 * PART_SIZE

/** Returns the number of parallel requests that read the source of a copy. Files on this machine are read by one. */
function parallelOf(source: AnyBase, target: AnyBase, { stat, continues }: Reading): number {
  const isRemote = source.calls.driver.localPath === undefined
  return target !== source && isRemote && continues && (stat?.size ?? 0) > LARGE ? PARALLEL : 1
}

/** Returns the bytes of a file: its first part from the answer that was already requested, the rest by further requests. */
function besides(source: AnyBase, ref: FileRef, first: Reading, options: ReadStreamOptions): ResumedBody {
  return inParts(source, ref, undefined, { ...first, until: PART_SIZE, isLonger: true }, {}, options).body
}

/** Moves a file, on the server where the storage can, else by a copy and a deletion of the source at the end. */
export async function moveFile(
  source: AnyBase,
  from: NameOrEntry,
  to: string,
  options: CopyFileOptions,
  naming: Naming = 'policy',
): Promise<string> {
  const { signal } = options
  const pair = begin('move', source, from, to, options)
  source.calls.begin('move', nameIn(from), options, true)
  if (await isSameFile(pair, options)) {
    await source.stat(from, { signal })
    return pair.target.nameOf(pair.to.key)
  }
  if (pair.target === source) {
    const name = await native('move', pair, await planOf(pair.target, options, naming))
    if (name !== undefined) return name
  }
  const name = await copyPair(pair, options, naming)
  await source.delete(from, { signal }).catch(error => {
    throw withOutcome(error, 'unknown')
  })
  return name
}

function begin(
  operation: 'copy' | 'move',
  source: AnyBase,
  from: NameOrEntry,
  to: string,
  options: CopyFileOptions,
): Pair {
  checkKnownOptions(operation, options, COPY_OPTIONS)
  checkConditions(operation, options)
  const { storage: target = source } = options
  const pair = { source, given: from, from: source.fileRef(from), target, to: target.newRef(validateFileName(to)) }
  target.calls.begin(operation, to, options, true)
  return pair
}

/**
 * Whether two names are the same file, so that deleting one would delete the other: also in two storages of one location. `invalid_argument`
 * if only one of the storages that the other one is made of has the same file: a part of it would be deleted.
 */
async function isSameFile({ source, from, target, to }: Pair, options: CallOptions): Promise<boolean> {
  if (source.calls.driver === target.calls.driver) return from.key === to.key
  const [ours, theirs] = await Promise.all([addressesOf(source, from, options), addressesOf(target, to, options)])
  if (!ours.some(address => theirs.includes(address))) return false
  if (ours.length === theirs.length && ours.every(address => theirs.includes(address))) return true
  const text = `move: '${from.name}' and '${to.name}' may be one file: one storage is part of the other.`
  throw new StorageError('invalid_argument', text, { fileName: from.name })
}

/** How the target is written. */
interface CopyPlan {
  readonly save: SaveOptions
  /** Whether the name is checked just before, since the service has no condition. */
  readonly asksFirst: boolean
}

async function planOf(target: AnyBase, { storage: _, ...save }: CopyFileOptions, naming: Naming): Promise<CopyPlan> {
  if (naming === 'policy' && save.ifAbsent !== true) return { save, asksFirst: false }
  await target.discover({ signal: save.signal })
  if (target.features.exclusiveCreate) return { save: { ...save, overwrite: false, ifAbsent: true }, asksFirst: false }
  if (save.ifAbsent === true) checkExclusive(target)
  return { save: { ...save, overwrite: true }, asksFirst: true }
}

async function checkFree(storage: AnyBase, { name }: FileRef, options: CallOptions): Promise<void> {
  if (await storage.exists(name, options)) throw new StorageError('exists', `'${name}' exists.`, { fileName: name })
}

async function native(
  operation: 'copy' | 'move',
  { source: storage, given, from: source, to: wanted }: Pair,
  { save: options, asksFirst }: CopyPlan,
): Promise<string | undefined> {
  const { driver } = storage.calls
  if (driver[operation] === undefined) return undefined
  const { signal, ifAbsent: only = false, overwrite = storage.options.fileOverwrite } = options
  if (!overwrite) await storage.discover({ signal })
  const ifAbsent = !overwrite && storage.features.exclusiveCreate
  const isNew = !ifAbsent && (!overwrite || asksFirst)
  // Whether the driver itself looks at the name.
  const isChecked = operation === 'copy' && isNew && storage.features.checkedCopy === true
  const free = ifAbsent ? { ifAbsent } : isNew ? { isNew } : {}
  for (let tries = 0; tries < MAX_NAMES; tries++) {
    // The service checks the condition; the name is looked up only after it turned out to be taken.
    const exclusive = (ifAbsent || isChecked) && tries === 0
    const { maxLength } = options
    const names = { maxLength, signal, overwrite: overwrite || only, exclusive }
    const target = await targetOf(storage, wanted, names)
    if (asksFirst && !isChecked) await checkFree(storage, target, { signal })
    const all = storage.writeOptions(target, attributesOnly, options)
    checkNoKeptDigest(all)
    const { objectParameters } = target
    const write: WriteOptions = { ...definedOf(options, all), objectParameters, ...free }
    const repeat = operation === 'copy' && (ifAbsent || isChecked ? 'if_not_applied' : true)
    try {
      await storage.calls.run(operation, source, { signal, repeat }, ctx =>
        driver[operation]!(source.key, target.key, write, ctx),
      )
      return storage.nameOf(target.key)
    } catch (error) {
      if (isStorageError(error, 'unsupported')) return undefined
      if (overwrite || only || !isTaken(error)) throw error
      // Either of the two files may be the folder: another name helps only if it is the target.
      if (isStorageError(error, 'is_directory') && (await storage.stat(given, { signal })).isDirectory) throw error
    }
  }
  return undefined
}

/** Returns only the attributes that the caller wants to change: a server-side copy keeps the others. */
function definedOf(options: SaveOptions, given: WriteOptions): WriteOptions {
  const names = [...ATTRIBUTES, 'extra'] as const
  return Object.fromEntries(names.filter(name => options[name] !== undefined).map(name => [name, given[name]]))
}

/** Returns the bytes of one version of a file. The first answer is used once; further reads request the file again by its etag. */
function contentOf(
  storage: AnyBase,
  target: AnyBase,
  given: NameOrEntry,
  stat: ReadStat & { readonly name: string },
  take: () => ResumedBody | undefined,
  options: Pick<ReadStreamOptions, 'signal' | 'parallel'>,
): ContentProvider {
  const { name, etag } = stat
  const decode = storage.decoder(stat)
  const checksums = decode === undefined ? stat.checksums : undefined
  const content: Content = {
    size: decode === undefined ? stat.size : undefined,
    // A target that needs the digest first keeps the bytes, so that they are not read from the source twice.
    replayable: !target.options.keepSha256 || checksums?.sha256 !== undefined,
    checksums: checksums?.sha256 === undefined ? undefined : { sha256: checksums.sha256 },
    open: () => {
      const first = take()?.stream()
      const body = first === undefined ? readStream(storage, given, { ...options, etag }) : (decode?.(first) ?? first)
      return decode === undefined ? body : limitedUnpacked(storage, name, body)
    },
  }
  return { [asContent]: () => content }
}

/** Returns the attributes that are stored with the bytes. Decoded bytes have no content encoding. */
function copiedAttributes(storage: AnyBase, stat: ReadStat & { readonly name: string }): FileAttributes {
  const attributes = attributesOf(stat)
  return storage.decoder(stat) === undefined ? attributes : { ...attributes, contentEncoding: undefined }
}
