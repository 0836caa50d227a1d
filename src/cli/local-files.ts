import { constants, createReadStream, type Dirent } from 'node:fs'
import { access, link, mkdir, opendir, open as openFile, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { nodeCrypto } from '../core/builtin.ts'
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

/** Told what cannot be stored: `isFailure` for what could not be read, else it is a kind that is never stored. */
export type Skipped = (path: string, reason: string, isFailure: boolean) => void

/**
 * The files that a path stands for: itself, or everything below a folder in the order of names. What cannot be read below a
 * folder is skipped, and so are links to folders; a path that itself is missing or cannot be read is an error.
 */
export async function* localFiles(path: string, skipped: Skipped): AsyncGenerator<LocalFile> {
  let stats: Awaited<ReturnType<typeof stat>>
  try {
    stats = await stat(path)
    await access(path, constants.R_OK)
  } catch (error) {
    throw new Error(`'${path}' ${missing(error) ? 'does not exist' : `cannot be read: ${reasonOf(error)}`}.`)
  }
  if (stats.isDirectory()) yield* filesBelow(path, '', skipped)
  else yield { path, name: basename(resolve(path)), size: stats.size }
}

async function* filesBelow(folder: string, prefix: string, skipped: Skipped): AsyncGenerator<LocalFile> {
  const entries: Dirent[] = []
  try {
    for await (const entry of await opendir(folder)) entries.push(entry)
  } catch (error) {
    return skipped(folder, reasonOf(error), true)
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  for (const entry of entries) {
    const path = join(folder, entry.name)
    const name = `${prefix}${entry.name}`
    if (entry.isDirectory()) yield* filesBelow(path, `${name}/`, skipped)
    else {
      const size = await sizeOf(path, entry, skipped)
      if (size !== undefined) yield { path, name, size }
    }
  }
}

async function sizeOf(path: string, entry: Dirent, skipped: Skipped): Promise<number | undefined> {
  try {
    const stats = await stat(path)
    if (stats.isFile()) {
      await access(path, constants.R_OK)
      return stats.size
    }
    skipped(path, stats.isDirectory() ? 'links to folders are not followed' : 'it is no file', false)
  } catch (error) {
    const isNamed = !missing(error) || !entry.name.includes('\ufffd')
    const reason = isNamed ? reasonOf(error) : 'its name is not UTF-8'
    skipped(path, missing(error) && entry.isSymbolicLink() ? 'the link leads nowhere' : reason, true)
  }
  return undefined
}

function missing(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'ENOENT'
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied'
  return code === 'ENOENT' ? 'it is gone' : message
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
export async function writeLocal(
  path: string,
  open: () => AsyncIterable<Uint8Array>,
  overwrite: boolean,
  signal: AbortSignal,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const temporary = join(dirname(path), `.holdall-${nodeCrypto().randomUUID()}.part`)
  // Opened before the pipeline starts: a source that fails at once would else end it before the file is there to be removed.
  const handle = await openFile(temporary, 'wx')
  try {
    await pipeline(open, handle.createWriteStream(), { signal })
    if (overwrite) await rename(temporary, path)
    else await link(temporary, path)
  } catch (error) {
    if ((error as { code?: unknown }).code === 'EEXIST') throw existing(path, error)
    throw error
  } finally {
    await handle.close()
    await rm(temporary, { force: true })
  }
}

function existing(path: string, cause: unknown): StorageError {
  return new StorageError('exists', `The file '${path}' exists; use --overwrite to replace it.`, {
    fileName: path,
    cause,
  })
}
