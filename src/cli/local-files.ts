import { randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { link, mkdir, opendir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve, sep } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { asContent, type ContentProvider } from '../core/content.ts'
import { StorageError, SuspiciousFileOperation } from '../core/errors.ts'

/** A file of this machine that is to be stored. */
export interface LocalFile {
  readonly path: string
  /** Relative to what was named, with forward slashes. */
  readonly name: string
  /** Bytes. */
  readonly size: number
}

/** The files that a path stands for: itself, or everything below a folder in the order of names. Links to folders are not followed. */
export async function* localFiles(path: string, name: string = basename(resolve(path))): AsyncGenerator<LocalFile> {
  const stats = await stat(path)
  if (!stats.isDirectory()) {
    yield { path, name, size: stats.size }
    return
  }
  yield* filesBelow(path, '')
}

async function* filesBelow(folder: string, prefix: string): AsyncGenerator<LocalFile> {
  const entries = []
  for await (const entry of await opendir(folder)) entries.push(entry)
  entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  for (const entry of entries) {
    const path = join(folder, entry.name)
    const name = `${prefix}${entry.name}`
    if (entry.isDirectory()) yield* filesBelow(path, `${name}/`)
    else if (entry.isFile() || entry.isSymbolicLink()) {
      const stats = await stat(path)
      if (stats.isFile()) yield { path, name, size: stats.size }
    }
  }
}

/** A file of this machine as something that `save` can send again after a failure. */
export function localContent(file: Pick<LocalFile, 'path' | 'size'>): ContentProvider {
  return {
    [asContent]: () => ({ size: file.size, replayable: true, open: () => createReadStream(file.path) }),
  }
}

/** The path of a stored name below a folder of this machine; a name that leads out of it is `suspicious_name`. */
export function localTarget(folder: string, name: string): string {
  const root = resolve(folder)
  const path = resolve(root, ...name.split('/').filter(part => part !== ''))
  if (path !== root && path.startsWith(root.endsWith(sep) ? root : root + sep)) return path
  throw new SuspiciousFileOperation(`'${name}' leads out of the folder ${folder}.`, { fileName: name })
}

/** Writes a stream to a file of this machine, all or nothing. An existing one is `exists` unless `overwrite`. */
export async function writeLocal(path: string, body: Readable, overwrite: boolean, signal: AbortSignal): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const temporary = join(dirname(path), `.holdall-${randomUUID()}.part`)
  try {
    await pipeline(body, createWriteStream(temporary, { flags: 'wx' }), { signal })
    if (overwrite) await rename(temporary, path)
    else await link(temporary, path)
  } catch (error) {
    if ((error as { code?: unknown }).code === 'EEXIST') throw existing(path, error)
    throw error
  } finally {
    await rm(temporary, { force: true })
  }
}

function existing(path: string, cause: unknown): StorageError {
  return new StorageError('exists', `The file '${path}' exists; use --overwrite to replace it.`, {
    fileName: path,
    cause,
  })
}
