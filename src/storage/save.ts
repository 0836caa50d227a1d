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

/** How many names are tried before a save gives up; only a `getAvailableName` that keeps giving taken names gets there. */
export const MAX_NAMES = 100
/** Bytes up to which sending in vain costs less than asking first whether the name is taken. */
const CHEAP = 1_048_576
/** Storages that have refused a larger file because its name was taken: they are asked before the next one. */
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

/** Stores content under the name or, without overwriting, under a free one like it; see `Storage#save`. */
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

/** Refuses content in the place of the name. */
function checkName(name: unknown): void {
  if (name === null || (typeof name !== 'object' && typeof name !== 'function')) return
  throw new StorageError(
    'invalid_argument',
    `save: the name comes first: save(name, content); got ${kindOf(name)} as the name.`,
  )
}

/** Refuses conditions that contradict each other. */
export function checkConditions(
  method: string,
  { ifAbsent, ifMatch, overwrite }: Pick<SaveOptions, 'ifAbsent' | 'ifMatch' | 'overwrite'>,
): void {
  if (ifAbsent !== true) return
  const other = ifMatch !== undefined ? 'ifMatch' : overwrite === true ? 'overwrite' : undefined
  if (other === undefined) return
  throw new StorageError('invalid_argument', `${method}: expected ifAbsent or ${other}, got both.`)
}

/** Creates a file, or replaces one version of it, under this name and no other. */
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

/** Refuses `ifAbsent` where the service would not honour it. */
export function checkExclusive(storage: AnyBase): void {
  if (storage.features.exclusiveCreate) return
  const text = `${storage.constructor.name} cannot create a file only if its name is free: the service has no such condition.`
  throw new StorageError('unsupported', text)
}

/** What to store under: the name that `getAvailableName` returns, checked once more, since users override it. */
export async function targetOf(storage: AnyBase, wanted: FileRef, options: AvailableNameOptions): Promise<FileRef> {
  const { maxLength, signal, overwrite, exclusive } = options
  const found = await storage.getAvailableName(wanted.name, { maxLength, signal, overwrite, exclusive })
  const name = cleanName(validateFileName(found))
  return name === wanted.name ? wanted : storage.newRef(name)
}

/** Whether a conditional write failed because something has the name already. */
export function isTaken(error: unknown): boolean {
  return isStorageError(error, 'exists', 'is_directory')
}

/** Creates exclusively where the backend can; a lost race is sent again under another name, from a spool if need be. */
async function saveNew(storage: AnyBase, wanted: FileRef, given: Content, options: SaveOptions): Promise<string> {
  await storage.discover({ signal: options.signal })
  const exclusive = storage.features.exclusiveCreate
  const spool = exclusive && !given.replayable ? await spooled(storage, wanted.name, given, options) : undefined
  const content = spool ?? given
  const isCheap = content.size !== undefined && content.size <= CHEAP
  // The exclusive write decides. It costs a request to ask first, and all bytes of a large file not to, if the name is taken.
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
