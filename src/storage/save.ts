import { type Content, type ContentSource, limitedContent, toContent } from '../core/content.ts'
import { isStorageError, StorageError } from '../core/errors.ts'
import { cleanName, validateFileName } from '../core/names.ts'
import { fileKeyOf } from './file-key.ts'
import { spooled } from './spooled.ts'
import type { AnyStorage, AvailableNameOptions, SaveOptions } from './types.ts'
import { writeContent } from './write.ts'

/** How many names are tried before a save gives up; only a `getAvailableName` that keeps giving taken names gets there. */
export const MAX_NAMES = 100
/** Bytes up to which sending in vain costs less than asking first whether the name is taken. */
const CHEAP = 1_048_576

/** Stores content under the name or, without overwriting, under a free one like it; see `Storage#save`. */
export async function saveFile(
  storage: AnyStorage,
  name: string | null | undefined,
  source: ContentSource,
  options: SaveOptions,
): Promise<string> {
  const content = limitedContent(toContent(source), options.maxSize)
  const wanted = name ?? content.name
  if (wanted === undefined || wanted === null) {
    throw new StorageError('invalid_argument', 'save: the name must be given, or the content must have one.')
  }
  fileKeyOf(storage, validateFileName(wanted))
  storage.calls.begin('save', wanted, options, true)
  if (!(options.overwrite ?? storage.options.fileOverwrite)) return saveNew(storage, wanted, content, options)
  const target = await targetName(storage, wanted, { ...options, overwrite: true })
  await writeContent(storage, target, content, storage.writeOptions(target, content, options), options)
  return target
}

/** The name to store under: what `getAvailableName` says, checked once more, since users override it. */
export async function targetName(storage: AnyStorage, name: string, options: AvailableNameOptions): Promise<string> {
  const { maxLength, signal, overwrite, exclusive } = options
  return cleanName(validateFileName(await storage.getAvailableName(name, { maxLength, signal, overwrite, exclusive })))
}

/** Whether a conditional write failed because something has the name already. */
export function isTaken(error: unknown): boolean {
  return isStorageError(error, 'exists', 'is_directory')
}

/** Creates exclusively where the backend can; a lost race is sent again under another name, from a spool if need be. */
async function saveNew(storage: AnyStorage, name: string, given: Content, options: SaveOptions): Promise<string> {
  await storage.discover(options)
  const exclusive = storage.features.exclusiveCreate
  const spool = exclusive && !given.replayable ? await spooled(storage, name, given, options) : undefined
  const content = spool ?? given
  const blind = exclusive && content.size !== undefined && content.size <= CHEAP
  const names = { ...options, overwrite: false }
  try {
    let target = await targetName(storage, name, { ...names, exclusive: blind })
    for (let tries = 1; ; tries++) {
      const write = storage.writeOptions(target, content, options)
      try {
        await writeContent(storage, target, content, exclusive ? { ...write, ifAbsent: true } : write, options)
        return target
      } catch (error) {
        if (!isTaken(error) || tries === MAX_NAMES) throw error
      }
      target = await targetName(storage, name, names)
    }
  } finally {
    await spool?.[Symbol.asyncDispose]()
  }
}
