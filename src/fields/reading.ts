import type { CallOptions } from '../core/call.ts'
import { checkCallOptions } from '../core/known-options.ts'
import { ContentFile } from '../files/content-file.ts'
import type { Data, OpenMode } from '../files/modes.ts'
import { StorageFile } from '../files/storage-file.ts'

/** The open file of a `FieldFile`. */
export type OpenedFile = StorageFile<OpenMode> | ContentFile

type Opener = (mode: OpenMode, options: CallOptions) => Promise<OpenedFile>

/** The open file behind a `FieldFile`: opened at the first read, and released when it is read to its end. */
export class Reading {
  readonly #open: Opener
  #file: OpenedFile | undefined
  /** The result of further reads of a file that was read to its end and released. */
  #end: Data<OpenMode> | undefined

  constructor(open: Opener) {
    this.#open = open
  }

  /** Whether the file was opened and closed again. */
  get closed(): boolean {
    return this.#file?.closed ?? false
  }

  /** Opens the file, or goes back to its beginning. */
  async open(mode: OpenMode | undefined, options: CallOptions): Promise<void> {
    if (this.#file === undefined) this.#file = await this.#open(mode ?? 'rb', options)
    else if (this.#file instanceof ContentFile) await this.#file.open()
    else await this.#file.open(mode, options)
    this.#end = undefined
  }

  async read(n: number | null | undefined, options: CallOptions): Promise<Data<OpenMode>> {
    if (this.#end !== undefined) return this.#end
    const file = await this.#opened(options)
    const data = await file.read(n, options)
    if (n === undefined || n === null) await this.#release(data)
    return data
  }

  async *chunks(size: number | undefined, options: CallOptions): AsyncGenerator<Data<OpenMode>, void, undefined> {
    checkCallOptions('chunks', options)
    const file = await this.#opened(options)
    let last: Data<OpenMode> | undefined
    for await (const chunk of file.chunks(size, options)) yield (last = chunk)
    if (last !== undefined) await this.#release(last)
  }

  async *lines(): AsyncGenerator<Data<OpenMode>, void, undefined> {
    for await (const line of await this.#opened({})) yield line
  }

  async close(options: CallOptions): Promise<void> {
    this.#end = undefined
    await (this.#file as StorageFile<OpenMode> | undefined)?.close(options)
  }

  /** Releases the file and publishes nothing. */
  discard(): void {
    if (this.#file instanceof StorageFile) void this.#file.discard()
  }

  async #opened(options: CallOptions): Promise<OpenedFile> {
    if (this.#file === undefined || this.#end !== undefined) await this.open(undefined, options)
    return this.#file!
  }

  async #release(data: Data<OpenMode>): Promise<void> {
    if (!(this.#file instanceof StorageFile) || /[wax+]/.test(this.#file.mode)) return
    this.#end = data.slice(0, 0)
    await this.#file.close()
  }
}
