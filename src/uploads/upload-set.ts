import { messageOf } from '../core/errors.ts'
import type { UploadedFile } from './options.ts'

/** The files that one request has stored; if it fails, each of them is removed once. */
export class UploadSet {
  /** With their places in the form. */
  readonly #files = new Map<UploadedFile, number>()
  #places = 0
  #isDiscarded = false
  #removals: Promise<unknown> = Promise.resolve()

  /** The files that are stored, in the order of the form: multer stores several at the same time. */
  get files(): UploadedFile[] {
    return [...this.#files].sort(([, a], [, b]) => a - b).map(([file]) => file)
  }

  /** The place of the next file of the form, for `add`. */
  nextPlace(): number {
    return this.#places++
  }

  /** Notes a stored file; one that is stored after the request has failed is removed. */
  async add(file: UploadedFile, place: number): Promise<void> {
    this.#files.set(file, place)
    if (this.#isDiscarded) await this.remove(file)
  }

  /** Removes one file from its storage, once. An error becomes a process warning, since the request has failed for another reason. */
  async remove(file: UploadedFile): Promise<void> {
    if (!this.#files.delete(file)) return this.#settled()
    const removal = file.storage.delete(file.name).catch((error: unknown) => {
      const text = `The uploaded file '${file.name}' could not be removed: ${messageOf(error)}`
      process.emitWarning(text, { code: 'HOLDALL_UPLOAD_LEFT' })
    })
    this.#removals = Promise.all([this.#removals, removal])
    await removal
  }

  /** Removes all files, including those that are still being stored. Repeated calls remove nothing twice. */
  async discard(): Promise<void> {
    this.#isDiscarded = true
    await Promise.all(this.files.map(file => this.remove(file)))
    await this.#settled()
  }

  async #settled(): Promise<void> {
    await this.#removals
  }
}
