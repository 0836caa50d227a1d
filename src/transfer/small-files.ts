import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync, realpathSync } from 'node:fs'
import { isInside } from '../backends/local/place.ts'
import { statOf } from '../backends/local/stat.ts'
import type { Stat } from '../core/driver.ts'
import type { AnyStorage } from '../storage/storage.ts'
import type { Entry } from '../storage/types.ts'

/** Maximum size in bytes of a file that is read at once by a synchronous call. */
const SMALL = 256 * 1024
/** Opening must not wait for a pipe that has replaced a file. Windows has no such flag. */
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

/** A small file that was read completely. */
export interface SmallFile {
  readonly bytes: Buffer
  readonly stat: Stat
  /** Whether the file was changed in place while it was read: then the bytes are not of one state. */
  readonly hasChanged: boolean
}

/**
 * Reads small files of a folder of this machine by synchronous calls, which take a fifth of the processor time of the storage's own. Any
 * other entry, and a file that cannot be read, is left to the storage, which reports the error.
 */
export class SmallFiles {
  readonly #storage: AnyStorage
  /** Real path of the storage's folder; undefined if files are not read here. */
  readonly #root: string | undefined

  constructor(storage: AnyStorage) {
    this.#storage = storage
    // Attributes of a file may be stored in a second file.
    if (storage.supports('path') && !storage.features.metadata) this.#root = realPathOf(storage)
  }

  /** Returns the bytes and the state of a file; undefined if the storage has to read it. */
  read(entry: Entry): SmallFile | undefined {
    if (this.#root === undefined || !(entry.size <= SMALL)) return undefined
    let descriptor: number | undefined
    try {
      const path = this.#storage.calls.driver.localPath!(this.#storage.fileRef(entry).key)
      descriptor = openSync(path, FLAGS)
      const before = fstatSync(descriptor, { bigint: true })
      if (!before.isFile() || before.size > BigInt(SMALL) || !isInside(this.#root, realPath(descriptor, path)))
        return undefined
      // One byte more than the file has shows that the file has ended.
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

/** Returns the path of an open file: links on the way to it may have changed since it was listed. */
function realPath(descriptor: number, path: string): string {
  return process.platform === 'linux' ? readlinkSync(`/proc/self/fd/${descriptor}`) : realpathSync(path)
}
