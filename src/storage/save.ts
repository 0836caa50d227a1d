import { ATTRIBUTE_OPTIONS } from '../core/attributes.ts'
import type { FileRef } from '../core/call.ts'
import { type Content, type ContentSource, limitedContent, toContent } from '../core/content.ts'
import { isStorageError, StorageError } from '../core/errors.ts'
import { kindOf } from '../core/kind.ts'
import { checkKnownOptions, type KnownOptions } from '../core/known-options.ts'
import { cleanName, validateFileName } from '../core/names.ts'
import type { AnyBase } from './base.ts'
import { spooled } from './spooled.ts'
import type { AvailableNameOptions, SaveOptions } from './types.ts'
import { verifiedContent } from './verify.ts'
import { writeContent } from './write.ts'

/** Maximum number of names that a save tries. Only a `getAvailableName` that keeps returning taken names reaches it. */
export const MAX_NAMES = 100
/**
 * Maximum size in bytes of a file that is sent without asking first whether the name is taken: a rejected transfer costs less than the
 * request.
 */
const CHEAP = 1_048_576
/** Storages that have rejected a larger file because its name was taken: the next save asks first. */
const collided = new WeakSet<AnyBase>()

/** All options of `save`. */
export const SAVE_OPTIONS: KnownOptions<SaveOptions> = {
  signal: true,
  ...ATTRIBUTE_OPTIONS,
  maxLength: true,
  maxSize: true,
  overwrite: true,
  ifAbsent: true,
  ifMatch: true,
  verify: true,
  extra: true,
  onProgress: true,
}

/** Stores content under the name or, without overwriting, under a free name that resembles it; see `Storage#save`. */
export async function saveFile(
  storage: AnyBase,
  name: string | null | undefined,
  source: ContentSource,
  options: SaveOptions,
): Promise<string> {
  checkKnownOptions('save', options, SAVE_OPTIONS)
  checkName(name)
  checkConditions('save', options)
  const content = verifiedContent(limitedContent(toContent(source), options.maxSize), options.verify)
  const wanted = name ?? content.name
  if (wanted === undefined || wanted === null) {
    throw new StorageError('invalid_argument', 'save: the name must be given, or the content must have one.')
  }
  const ref = storage.newRef(validateFileName(wanted))
  storage.calls.begin('save', wanted, options, true)
  if (options.ifMatch !== undefined || options.ifAbsent === true) return saveOnly(storage, ref, content, options)
  if (!(options.overwrite ?? storage.options.fileOverwrite)) return saveNew(storage, ref, content, options)
  const target = await targetOf(storage, ref, { ...options, overwrite: true })
  await writeContent(storage, target, content, storage.writeOptions(target, content, options), options)
  return target.name
}

/** Rejects content that was passed in place of the name. */
function checkName(name: unknown): void {
  if (name === null || (typeof name !== 'object' && typeof name !== 'function')) return
  throw new StorageError(
    'invalid_argument',
    `save: the name comes first: save(name, content); got ${kindOf(name)} as the name.`,
  )
}

/** Rejects conditions that contradict each other. */
export function checkConditions(
  method: string,
  { ifAbsent, ifMatch, overwrite }: Pick<SaveOptions, 'ifAbsent' | 'ifMatch' | 'overwrite'>,
): void {
  if (ifAbsent !== true) return
  const other = ifMatch !== undefined ? 'ifMatch' : overwrite === true ? 'overwrite' : undefined
  if (other === undefined) return
  throw new StorageError('invalid_argument', `${method}: expected ifAbsent or ${other}, got both.`)
}

/** Creates a file, or replaces one version of it, under exactly this name. */
async function saveOnly(storage: AnyBase, wanted: FileRef, content: Content, options: SaveOptions): Promise<string> {
  const { ifAbsent, ifMatch, signal } = options
  await storage.discover({ signal })
  if (ifMatch !== undefined && !storage.features.ifMatch) {
    throw new StorageError('unsupported', `${storage.constructor.name} cannot replace a version by its etag.`)
  }
  if (ifAbsent === true) checkExclusive(storage)
  const target = await targetOf(storage, wanted, { ...options, overwrite: true })
  const write = { ...storage.writeOptions(target, content, options), ifAbsent, ifMatch }
  await writeContent(storage, target, content, write, options)
  return target.name
}

/** Rejects `ifAbsent` where the service would not honour it. */
export function checkExclusive(storage: AnyBase): void {
  if (storage.features.exclusiveCreate) return
  const text = `${storage.constructor.name} cannot create a file only if its name is free: the service has no such condition.`
  throw new StorageError('unsupported', text)
}

/** Returns the file to write: the name that `getAvailableName` returns, checked again, since users override that method. */
export async function targetOf(storage: AnyBase, wanted: FileRef, options: AvailableNameOptions): Promise<FileRef> {
  const { maxLength, signal, overwrite, exclusive } = options
  const found = await storage.getAvailableName(wanted.name, { maxLength, signal, overwrite, exclusive })
  const name = cleanName(validateFileName(found))
  return name === wanted.name ? wanted : storage.newRef(name)
}

/** Whether a conditional write failed because the name is already taken. */
export function isTaken(error: unknown): boolean {
  return isStorageError(error, 'exists', 'is_directory')
}

/** Creates exclusively where the backend can. After a lost race the content is sent again under another name, from a spool if needed. */
async function saveNew(storage: AnyBase, wanted: FileRef, given: Content, options: SaveOptions): Promise<string> {
  await storage.discover({ signal: options.signal })
  const exclusive = storage.features.exclusiveCreate
  const spool = exclusive && !given.replayable ? await spooled(storage, wanted.name, given, options) : undefined
  const content = spool ?? given
  const isCheap = content.size !== undefined && content.size <= CHEAP
  // The exclusive write decides. Asking first costs a request; not asking costs all bytes of a large file if the name is taken.
  const blind = exclusive && (isCheap || !collided.has(storage))
  const names = { ...options, overwrite: false }
  try {
    let target = await targetOf(storage, wanted, { ...names, exclusive: blind })
    for (let tries = 1; ; tries++) {
      const write = storage.writeOptions(target, content, options)
      try {
        await writeContent(
          storage,
          target,
          content,
          { ...write, ...(exclusive ? { ifAbsent: true } : { isNew: true }) },
          options,
        )
        return target.name
      } catch (error) {
        if (!isTaken(error) || tries === MAX_NAMES || !content.replayable) throw error
      }
      if (!isCheap) collided.add(storage)
      target = await targetOf(storage, wanted, names)
    }
  } finally {
    await spool?.[Symbol.asyncDispose]()
  }
}
