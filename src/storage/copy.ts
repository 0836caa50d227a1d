import { ATTRIBUTES, attributesOf } from '../core/attributes.ts'
import type { CallOptions } from '../core/call.ts'
import { asContent, type Content, type ContentProvider } from '../core/content.ts'
import type { FileAttributes, WriteOptions } from '../core/driver.ts'
import { isStorageError, StorageError, withOutcome } from '../core/errors.ts'
import { validateFileName } from '../core/names.ts'
import { fileKeyOf } from './file-key.ts'
import { isTaken, MAX_NAMES, targetName } from './save.ts'
import { readStream } from './streams.ts'
import type { AnyStorage, Entry, SaveOptions } from './types.ts'
import { limitedUnpacked } from './unpacked.ts'
import { attributesOnly } from './write.ts'

/** Where and how `copy` and `move` store. */
export interface CopyFileOptions extends Omit<SaveOptions, 'maxSize'> {
  /** Another storage to copy into. */
  readonly storage?: AnyStorage | undefined
}

/** Copies within a storage on the server where it can, else by streaming; gives the name it got. */
export async function copyFile(
  source: AnyStorage,
  from: string,
  to: string,
  options: CopyFileOptions,
): Promise<string> {
  const { storage: target = source, ...save } = options
  begin('copy', source, from, target, to, save)
  if (target === source) {
    const name = await native('copy', source, from, to, save)
    if (name !== undefined) return name
  }
  const stat = await source.stat(from, { signal: save.signal })
  if (stat.isDirectory) throw new StorageError('is_directory', `'${from}' is a directory.`, { fileName: from })
  return target.save(to, contentOf(source, from, stat, save), { ...copiedAttributes(source, stat), ...save })
}

/** Moves within a storage on the server where it can, else copies and deletes the source at last. */
export async function moveFile(
  source: AnyStorage,
  from: string,
  to: string,
  options: CopyFileOptions,
): Promise<string> {
  const { storage: target = source, ...save } = options
  begin('move', source, from, target, to, save)
  source.calls.begin('move', from, save, true)
  if (await isSameFile(source, from, target, to, save)) {
    await source.stat(from, { signal: save.signal })
    return target.nameOf(target.keyOf(to))
  }
  if (target === source) {
    const name = await native('move', source, from, to, save)
    if (name !== undefined) return name
  }
  const name = await copyFile(source, from, to, options)
  await source.delete(from, { signal: save.signal }).catch(error => {
    throw withOutcome(error, 'unknown')
  })
  return name
}

function begin(
  operation: 'copy' | 'move',
  source: AnyStorage,
  from: string,
  target: AnyStorage,
  to: string,
  options: SaveOptions,
): void {
  fileKeyOf(source, from)
  fileKeyOf(target, validateFileName(to))
  target.calls.begin(operation, to, options, true)
}

/** Whether two names mean one file, so that deleting one would delete the other: also in two storages of one place. */
async function isSameFile(
  source: AnyStorage,
  from: string,
  target: AnyStorage,
  to: string,
  options: CallOptions,
): Promise<boolean> {
  const [key, other] = [source.keyOf(from), target.keyOf(to)]
  if (source.driver === target.driver) return key === other
  const addresses = await Promise.all([addressOf(source, key, options), addressOf(target, other, options)])
  return addresses[0] !== undefined && addresses[0] === addresses[1]
}

async function addressOf(storage: AnyStorage, key: string, options: CallOptions): Promise<string | undefined> {
  const { driver, calls } = storage
  if (driver.address === undefined) return undefined
  return `${driver.name} ${await calls.run('address', key, options, ctx => driver.address!(key, ctx))}`
}

async function native(
  operation: 'copy' | 'move',
  storage: AnyStorage,
  from: string,
  to: string,
  options: SaveOptions,
): Promise<string | undefined> {
  const { driver } = storage
  if (driver[operation] === undefined) return undefined
  const { signal, overwrite = storage.options.fileOverwrite } = options
  if (!overwrite) await storage.discover({ signal })
  const ifAbsent = !overwrite && storage.features.exclusiveCreate
  for (let tries = 0; tries < MAX_NAMES; tries++) {
    const name = await targetName(storage, to, { ...options, overwrite })
    const [source, target] = [storage.keyOf(from), storage.keyOf(name)]
    const given = storage.writeOptions(name, attributesOnly, options)
    const write: WriteOptions = { ...definedOf(options, given), ...(ifAbsent ? { ifAbsent } : {}) }
    const call = { signal, replayable: operation === 'copy', conditional: ifAbsent }
    try {
      await storage.calls.run(operation, source, call, ctx => driver[operation]!(source, target, write, ctx))
      return storage.nameOf(target)
    } catch (error) {
      if (isStorageError(error, 'unsupported')) return undefined
      if (overwrite || !isTaken(error)) throw error
    }
  }
  return undefined
}

/** Only what the caller asked to change: a server-side copy keeps the rest. */
function definedOf(options: SaveOptions, given: WriteOptions): WriteOptions {
  const names = [...ATTRIBUTES, 'extra'] as const
  return Object.fromEntries(names.filter(name => options[name] !== undefined).map(name => [name, given[name]]))
}

function contentOf(storage: AnyStorage, name: string, stat: Entry, { signal }: CallOptions): ContentProvider {
  const decoded = storage.decoder(stat) !== undefined
  const content: Content = {
    size: decoded ? undefined : stat.size,
    replayable: true,
    open: () => {
      const body = readStream(storage, name, { signal })
      return decoded ? limitedUnpacked(storage, name, body) : body
    },
  }
  return { [asContent]: () => content }
}

/** What goes along with the bytes; they are as they were stored, or decoded, and then of no encoding. */
function copiedAttributes(storage: AnyStorage, stat: Entry): FileAttributes {
  const attributes = attributesOf(stat)
  return storage.decoder(stat) === undefined ? attributes : { ...attributes, contentEncoding: undefined }
}
