import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync, realpathSync } from 'node:fs'
import { isInside } from '../backends/local/place.ts'
import { statOf } from '../backends/local/stat.ts'
import type { Stat } from '../core/driver.ts'
import type { AnyStorage } from '../storage/storage.ts'
import type { Entry } from '../storage/types.ts'

/** Bytes of a file up to which it is read at once, while nothing else is done. */
const SMALL = 256 * 1024
/** Opening a pipe that has taken the place of a file must not wait. Windows has no such flag. */
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

/** A small file that was read whole. */
export interface SmallFile {
  readonly bytes: Buffer
  readonly stat: Stat
  /** Whether the file was changed in its place while it was read: the bytes are of no one state then. */
  readonly hasChanged: boolean
}

/**
 * Reads small files of a folder of this machine by synchronous calls, which take a fifth of the processor time of the storage's own. What is not a small
 * regular file in the folder, or cannot be read, is left to the storage, which finds the words for it.
 */
export class SmallFiles {
  readonly #storage: AnyStorage
  /** Real path of the storage's folder; undefined where files are not read here. */
  readonly #root: string | undefined

  constructor(storage: AnyStorage) {
    this.#storage = storage
    // What goes along with a file may lie in a second one.
    if (storage.supports('path') && !storage.features.metadata) this.#root = realPathOf(storage)
  }

  /** The bytes and the state of a file; undefined where the storage has to be asked. */
  read(entry: Entry): SmallFile | undefined {
    if (this.#root === undefined || !(entry.size <= SMALL)) return undefined
    let descriptor: number | undefined
    try {
      const path = this.#storage.calls.driver.localPath!(this.#storage.fileRef(entry).key)
      descriptor = openSync(path, FLAGS)
      const before = fstatSync(descriptor, { bigint: true })
      if (!before.isFile() || before.size > BigInt(SMALL) || !isInside(this.#root, realPath(descriptor, path)))
        return undefined
      // One byte more than the file has shows that it has no more.
      const buffer = Buffer.allocUnsafe(Number(before.size) + 1)
      let count = 0
      for (let read = -1; read !== 0 && count < buffer.byteLength; count += read) {
        read = readSync(descriptor, buffer, count, buffer.byteLength - count, null)
      }
      const after = fstatSync(descriptor, { bigint: true })
      const hasChanged = count !== Number(before.size) || before.mtimeNs !== after.mtimeNs || before.size !== after.size
      return { bytes: buffer.subarray(0, count), stat: statOf(before, {}), hasChanged }
    } catch {
      return undefined
    } finally {
      if (descriptor !== undefined) closeSync(descriptor)
    }
  }
}

function realPathOf(storage: AnyStorage): string | undefined {
  try {
    return realpathSync(storage.calls.driver.localPath!(storage.prefix))
  } catch {
    return undefined
  }
}

/** Where an open file lies: links on the way to it may have changed since it was listed. */
function realPath(descriptor: number, path: string): string {
  return process.platform === 'linux' ? readlinkSync(`/proc/self/fd/${descriptor}`) : realpathSync(path)
}
