import { errnoOf, unless } from '../../core/errno.ts'
import { StorageError } from '../../core/errors.ts'
import type { Anchor } from './anchor.ts'
import { closeRead } from './bytes.ts'
import { changed } from './claim.ts'
import { type OpenFile, openFile } from './open-file.ts'
import { type Place, withoutSlash } from './place.ts'
import type { WritePolicy } from './publication.ts'
import { remove, removeVersion } from './removal.ts'
import type { Finding, Root } from './root.ts'

/** Finds the place of a file, for reading, writing or removing it. */
export class Access {
  readonly root: Root
  readonly policy: WritePolicy

  constructor(root: Root, policy: WritePolicy) {
    this.root = root
    this.policy = policy
  }

  /** Runs `work` at the place of a file, with a function that opens the file, repeats as often as needed, and closes the file. */
  reading<T>(
    key: string,
    at: Anchor | undefined,
    work: (place: Place, look: () => Promise<OpenFile>, drop: (file: OpenFile) => Promise<void>) => Promise<T>,
  ): Promise<T> {
    if (key === '') throw rootIsNoFile()
    const reading = (place: Place): Promise<T> =>
      work(
        place,
        () => openFile(this.root, place),
        file => closeRead(file.handle),
      )
    return at === undefined ? this.root.looking(key, reading) : this.root.within(key, reading, { at })
  }

  /** Runs `work` at a place whose folders exist. */
  writing<T>(key: string, work: (place: Place) => Promise<T>, how: Finding): Promise<T> {
    return this.retried(key, () => this.root.withinMade(key, work, how))
  }

  /** Repeats `work` if another process removed a folder that was just found or made. */
  async retried<T>(key: string, work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work()
      } catch (error) {
        if (errnoOf(error) === 'ENOTDIR') throw await this.root.notAFolder(key, error)
        if (errnoOf(error) !== 'ENOENT' || attempt === 3 || !(await this.root.isGone(key))) throw error
      }
    }
  }

  /** Removes a file that has this etag. Code `precondition_failed` for another etag, a missing file, and a folder. */
  async deleteVersion(key: string, etag: string): Promise<void> {
    const removed = await unless(
      ['ENOENT', 'ENOTDIR'],
      this.root
        .within(withoutSlash(key), place => removeVersion(place, key.endsWith('/') ? '' : etag, this.policy))
        .then(() => true),
    )
    if (removed === undefined) throw changed()
  }

  /** Removes a file or an empty folder. */
  delete(key: string, how: Finding): Promise<void> {
    return this.root.within(withoutSlash(key), place => remove(place, key.endsWith('/'), this.policy), how)
  }
}

/** The error if the storage's own folder is used as a file. */
export function rootIsNoFile(): StorageError {
  return new StorageError('is_directory', 'The storage’s own folder is not a file.')
}
