import { asContent, type Content } from '../core/content.ts'
import type { Stat, WriteOptions } from '../core/driver.ts'
import { isStorageError } from '../core/errors.ts'
import { readStream } from './streams.ts'
import type { AnyStorage, SaveOptions } from './types.ts'

/** Where and how `copy` and `move` store. */
export interface CopyFileOptions extends SaveOptions {
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
  if (target === source) {
    const name = await native('copy', source, from, to, save)
    if (name !== undefined) return name
  }
  const stat = await source.stat(from, save)
  return target.save(to, { [asContent]: () => fileContent(source, from, stat, save) }, { ...attributes(stat), ...save })
}

/** Moves within a storage on the server where it can, else copies and deletes the source at last. */
export async function moveFile(
  source: AnyStorage,
  from: string,
  to: string,
  options: CopyFileOptions,
): Promise<string> {
  const { storage: target = source, ...save } = options
  if (target === source) {
    if (source.keyOf(from) === source.keyOf(to)) {
      await source.stat(from, save)
      return source.nameOf(source.keyOf(to))
    }
    const name = await native('move', source, from, to, save)
    if (name !== undefined) return name
  }
  const name = await copyFile(source, from, to, options)
  await source.delete(from, save)
  return name
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
  const { signal, maxLength, overwrite = storage.options.fileOverwrite } = options
  const ifAbsent = !overwrite && storage.features.exclusiveCreate
  for (let tries = 0; tries < 100; tries++) {
    const name = overwrite ? to : await storage.getAvailableName(to, { maxLength, signal })
    const [source, target] = [storage.keyOf(from), storage.keyOf(name)]
    const given = storage.writeOptions(name, nothing, options)
    const write: WriteOptions = { ...definedOf(options, given), ...(ifAbsent ? { ifAbsent } : {}) }
    const call = { signal, replayable: operation === 'copy', conditional: ifAbsent }
    try {
      await storage.calls.run(operation, source, call, ctx => driver[operation]!(source, target, write, ctx))
      return storage.nameOf(target)
    } catch (error) {
      if (isStorageError(error, 'unsupported')) return undefined
      if (overwrite || !isStorageError(error, 'exists')) throw error
    }
  }
  return undefined
}

/** Only what the caller asked to change: a server-side copy keeps the rest. */
function definedOf(options: SaveOptions, given: WriteOptions): WriteOptions {
  const names = [
    'contentType',
    'contentEncoding',
    'contentDisposition',
    'contentLanguage',
    'cacheControl',
    'metadata',
    'extra',
  ] as const
  return Object.fromEntries(names.filter(name => options[name] !== undefined).map(name => [name, given[name]]))
}

const nothing: Content = {
  size: 0,
  replayable: false,
  open() {
    throw new TypeError('a copy on the server reads nothing')
  },
}

function fileContent(storage: AnyStorage, name: string, stat: Stat, options: SaveOptions): Content {
  const decoded = storage.decoder(stat) !== undefined
  return {
    size: decoded ? undefined : stat.size,
    replayable: true,
    open: () => readStream(storage, name, { signal: options.signal }),
  }
}

function attributes(
  stat: Stat,
): Pick<SaveOptions, 'contentType' | 'contentDisposition' | 'contentLanguage' | 'cacheControl' | 'metadata'> {
  const { contentType, contentDisposition, contentLanguage, cacheControl, metadata } = stat
  return { contentType, contentDisposition, contentLanguage, cacheControl, metadata }
}
