import { messageOf } from '../core/errors.ts'
import type { UploadedFile } from './options.ts'

/** The files that one request has stored, so that they are removed, each once, when it fails. */
export class UploadSet {
  readonly #files = new Set<UploadedFile>()
  #isDiscarded = false
  #isKept = false
  #removals: Promise<unknown> = Promise.resolve()

  /** The files that are stored, in the order in which they were. */
  get files(): UploadedFile[] {
    return [...this.#files]
  }

  /** Notes a stored file; one that is stored after the request has failed is removed. */
  async add(file: UploadedFile): Promise<void> {
    this.#files.add(file)
    if (this.#isDiscarded) await this.remove(file)
  }

  /** Removes one file from its storage, once. An error is a warning of the process, since the request has failed for another reason. */
  async remove(file: UploadedFile): Promise<void> {
    if (!this.#files.delete(file)) return this.#settled()
    const removal = file.storage.delete(file.name).catch((error: unknown) => {
      const text = `The uploaded file '${file.name}' could not be removed: ${messageOf(error)}`
      process.emitWarning(text, { code: 'HOLDALL_UPLOAD_LEFT' })
    })
    this.#removals = Promise.all([this.#removals, removal])
    await removal
  }

  /** Lets the files stay: `discard` does nothing from now on. */
  keep(): void {
    this.#isKept = true
  }

  /** Removes all files that are not kept, and those that are still on their way. Repeated calls remove nothing twice. */
  async discard(): Promise<void> {
    if (this.#isKept) return
    this.#isDiscarded = true
    await Promise.all(this.files.map(file => this.remove(file)))
    await this.#settled()
  }

  async #settled(): Promise<void> {
    await this.#removals
  }
}
