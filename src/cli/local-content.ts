import { constants } from 'node:fs'
import { type FileHandle, open, readlink, realpath, stat } from 'node:fs/promises'
import { isInside } from '../backends/local/place.ts'
import { asContent, type ContentProvider } from '../core/content.ts'
import { accessStream } from '../files/access-stream.ts'
import { LEADS_OUT, type LocalFile, reasonOf, type Skipped } from './local-files.ts'

/** Opening a pipe does not wait for its other end. (open(2)) */
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

/**
 * Runs `work` with the bytes of a file, which can be read again after a failure. The file is opened once, and all attributes and bytes come
 * from the open file, even if its name refers to another file meanwhile. A file that cannot be opened, is not a regular file or lies
 * outside of its root is skipped.
 */
export async function withContent(
  file: LocalFile,
  skipped: Skipped,
  work: (content: ContentProvider) => Promise<void>,
): Promise<void> {
  let opened: { readonly handle: FileHandle; readonly size: number } | undefined
  try {
    opened = await openFile(file)
  } catch (error) {
    return skipped(file.path, reasonOf(error), true)
  }
  try {
    await work(contentOf(opened.handle, opened.size))
  } finally {
    await opened.handle.close()
  }
}

async function openFile({ path, root }: LocalFile): Promise<{ handle: FileHandle; size: number }> {
  const handle = await open(path, FLAGS)
  try {
    const stats = await handle.stat()
    if (!stats.isFile()) throw new Error('it is no file')
    if (root !== undefined && !isInside(root, await realPathOf(handle, path))) throw new Error(LEADS_OUT)
    return { handle, size: stats.size }
  } catch (error) {
    await handle.close()
    throw error
  }
}

/**
 * Returns the path of an open file with links resolved: from the system where it reports the path, else from its name if that still refers
 * to it.
 */
async function realPathOf(handle: FileHandle, path: string): Promise<string> {
  if (process.platform === 'linux') {
    const held = await readlink(`/proc/self/fd/${handle.fd}`).catch(() => undefined)
    if (held !== undefined) return held
  }
  const real = await realpath(path)
  const [here, there] = await Promise.all([handle.stat({ bigint: true }), stat(real, { bigint: true })])
  if (here.ino !== there.ino || here.dev !== there.dev) throw new Error('it was replaced meanwhile')
  return real
}

/** A size of 0 may be wrong: files of `/proc` report it and have content. */
function contentOf(handle: FileHandle, size: number): ContentProvider {
  const read = async (position: number, length: number): Promise<Buffer> => {
    // One byte is requested behind the end of the file: a file that has grown must not be taken for the announced one.
    const wanted = size === 0 ? length : Math.min(length, Math.max(size - position, 1))
    const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(wanted), 0, wanted, position)
    return buffer.subarray(0, bytesRead)
  }
  return {
    [asContent]: () => ({ size: size === 0 ? undefined : size, replayable: true, open: () => accessStream(read) }),
  }
}
