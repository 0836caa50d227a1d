import { type FileHandle, open, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { withKnownOutcome } from '../../core/errno.ts'
import { temporaryName } from '../../core/hidden-names.ts'

/** A temporary file beside its target. */
export interface Temporary {
  readonly handle: FileHandle
  readonly path: string
}

/** The permission bits of a new file; null = by the umask. */
export interface FileMode {
  readonly filePermissionsMode: number | null
}

/**
 * Opens a new temporary file for reading and writing, with a name that cannot be guessed; `x` refuses an existing name, including a link.
 * Other users cannot read it before it has its mode.
 */
export async function openTemporary(folder: string, { filePermissionsMode }: FileMode): Promise<Temporary> {
  const path = join(folder, temporaryName())
  const handle = await open(path, 'wx+', filePermissionsMode === null ? 0o666 : 0o600)
  return { handle, path }
}

/** Closes and removes a temporary file. Never fails. */
export async function dropTemporary(temporary: Temporary): Promise<void> {
  await temporary.handle.close().catch(() => undefined)
  await unlink(temporary.path).catch(() => undefined)
}

/**
 * Runs work on a temporary file, which the work publishes; removes the file if it fails. Unless an error states another outcome, it
 * occurred before the file was published.
 */
export async function withTemporary<T>(
  folder: string,
  mode: FileMode,
  work: (temporary: Temporary) => Promise<T>,
): Promise<T> {
  const temporary = await openTemporary(folder, mode)
  try {
    return await work(temporary)
  } catch (error) {
    await dropTemporary(temporary)
    throw withKnownOutcome(error, 'not_applied')
  }
}
