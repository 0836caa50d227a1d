import { type Content, type ContentSource, toContent } from '../core/content.ts'
import { isStorageError, StorageError } from '../core/errors.ts'
import { cleanName, truncateName, validateFileName } from '../core/names.ts'
import { spooled } from './spooled.ts'
import type { AnyStorage, SaveOptions } from './types.ts'
import { writeContent } from './write.ts'

/** How many names are tried before a save gives up; only a `getAvailableName` that keeps giving taken names gets there. */
const MAX_NAMES = 100
/** Bytes up to which sending in vain costs less than asking first whether the name is taken. */
const CHEAP = 1_048_576

/** Stores content under the name or, without overwriting, under a free one like it; see `Storage#save`. */
export async function saveFile(
  storage: AnyStorage,
  name: string | null | undefined,
  source: ContentSource,
  options: SaveOptions,
): Promise<string> {
  const content = toContent(source)
  const wanted = name ?? content.name
  if (wanted === undefined || wanted === null) {
    throw new StorageError('invalid_argument', 'save: the name must be given, or the content must have one.')
  }
  validateFileName(wanted)
  if (!(options.overwrite ?? storage.options.fileOverwrite)) return saveNew(storage, wanted, content, options)
  const target = truncateName(cleanName(wanted), options.maxLength)
  await writeContent(storage, target, content, storage.writeOptions(target, content, options), options)
  return target
}

/** Creates exclusively where the backend can; a lost race is sent again under another name, from a spool if need be. */
async function saveNew(storage: AnyStorage, name: string, given: Content, options: SaveOptions): Promise<string> {
  await storage.discover(options)
  const { signal, maxLength } = options
  const exclusive = storage.features.exclusiveCreate
  const spool =
    exclusive && !given.replayable ? await spooled(given, storage.options, storage.calls.context(options)) : undefined
  const content = spool ?? given
  const blind = exclusive && content.size !== undefined && content.size <= CHEAP
  try {
    let target = await storage.getAvailableName(name, { maxLength, signal, exclusive: blind })
    for (let tries = 1; ; tries++) {
      target = cleanName(validateFileName(target))
      const write = storage.writeOptions(target, content, options)
      try {
        await writeContent(storage, target, content, exclusive ? { ...write, ifAbsent: true } : write, options)
        return target
      } catch (error) {
        const taken = isStorageError(error, 'exists') || isStorageError(error, 'is_directory')
        if (!taken || tries === MAX_NAMES) throw error
      }
      target = await storage.getAvailableName(name, { maxLength, signal })
    }
  } finally {
    await spool?.[Symbol.asyncDispose]()
  }
}
