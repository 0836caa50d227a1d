import { type Content, contentChunks } from '../../core/content.ts'
import { beginDigest } from '../../core/digests/digest.ts'
import type { Stat, WriteOptions } from '../../core/driver.ts'
import { isStorageError, StorageError } from '../../core/errors.ts'
import { spooled } from '../../storage/spooled.ts'
import { takenMeanwhile } from './conditions.ts'
import { unmarked } from './marks.ts'
import { haveSameBytes, removeCopy } from './one-copy.ts'
import type { Caller, Side } from './side.ts'
import type { Sides } from './sides.ts'

/**
 * Writes a file to both storages, with `own` conditions in `first`. If the second write fails, the first one stays, and the error names the
 * storage. The exception is a file that must be new: if another process has created it in `from` meanwhile, the first write is undone, and the
 * name is taken.
 */
export async function mirroredWrite(
  sides: Sides,
  key: string,
  given: Content,
  own: WriteOptions,
  options: WriteOptions,
  caller: Caller,
): Promise<Stat | undefined> {
  const { first, second } = sides
  const { signal } = caller
  // The first write may use the content up (a stream, a temporary file that it moves away), or replace the file that it is read from.
  const spool = given.bytes === undefined ? await spooled(first.storage, key, given, { signal }) : undefined
  const content = spool === undefined ? given : { ...spool, temporaryPath: undefined }
  try {
    // Of two processes in different modes, the one that creates the name in `from` gets it.
    const isDecided = options.ifAbsent !== true || second.title === 'to'
    const before = isDecided ? {} : await versionBefore(sides, key, caller)
    const written = await first.write(key, content, own, caller).catch(error => {
      throw takenMeanwhile(error, key, options)
    })
    const again = { ...own, ifAbsent: undefined, isNew: undefined, ifMatch: undefined, onProgress: undefined }
    try {
      await second.write(key, content, { ...again, ...before }, caller)
    } catch (error) {
      const isTaken = !isDecided && isStorageError(error, 'exists', 'precondition_failed')
      if (!isTaken) throw second.failure(error, `'${key}' is stored in '${first.title}'`)
      // A copy of the same file, which a migration has made meanwhile, is no conflict.
      if (!(await haveSameBytes(first, second, key, caller))) {
        await removeCopy(first, key, written?.etag, () => sha256Of(first, content, caller), caller)
        throw new StorageError('exists', `'${key}' was created in '${second.title}' meanwhile.`, {
          fileName: key,
          cause: error,
        })
      }
      await second.write(key, content, again, caller).catch(failure => {
        throw second.failure(failure, `'${key}' is stored in '${first.title}'`)
      })
    }
    return written
  } finally {
    await spool?.[Symbol.asyncDispose]()
  }
}

/** Returns the condition for the second write of a new file: that the file there is still the one that was there before. */
async function versionBefore(
  { second }: Sides,
  key: string,
  caller: Caller,
): Promise<Pick<WriteOptions, 'ifAbsent' | 'ifMatch'>> {
  await second.storage.discover({ signal: caller.signal })
  const { exclusiveCreate, ifMatch } = second.features
  const found = await second.find(key, caller)
  if (found === undefined) return exclusiveCreate ? { ifAbsent: true } : {}
  return ifMatch && found.etag !== undefined ? { ifMatch: unmarked(found.etag).etag } : {}
}

async function sha256Of({ storage }: Side, content: Content, { signal }: Caller): Promise<string> {
  const digest = beginDigest('sha256')
  for await (const chunk of contentChunks(content, storage.calls.context({ signal }))) digest.update(chunk)
  return digest.digest()
}
