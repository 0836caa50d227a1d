import { isStorageError } from 'holdall'
import { type FileModel, type FileTransaction, upload } from 'holdall/fields'
import { type FileColumn, megabytes, safeName, TAKEN } from './files.ts'
import { knownFile } from './kinds.ts'
import { Refusal } from './refusal.ts'

/** What a form makes of a row. Its files are stored when they arrive, so that none is ever held in memory. */
export class Draft {
  /** Columns of the row: of files the names that they got. */
  readonly values: Record<string, unknown> = {}
  readonly #model: Pick<FileModel, 'store'>
  readonly #files: FileTransaction
  readonly #signal: AbortSignal | undefined

  constructor(model: Pick<FileModel, 'store'>, files: FileTransaction, signal: AbortSignal | undefined) {
    this.#model = model
    this.#files = files
    this.#signal = signal
  }

  /** Stores a file for a column; one that is too large or of another kind is refused, and nothing is left of it. */
  async file(column: FileColumn, filename: string, source: AsyncIterable<Buffer>): Promise<void> {
    const { kinds, label, maxBytes, refusal } = TAKEN[column]
    if (column in this.values) throw new Refusal(400, `There can be one ${label} only.`)
    const { kind, content } = await knownFile(source, kinds, refusal)
    const file = upload(content, safeName(filename, column, kind), { contentType: kind.contentType })
    try {
      const stored = await this.#model.store({ [column]: file }, { files: this.#files, signal: this.#signal })
      Object.assign(this.values, stored)
    } catch (error) {
      if (isStorageError(error, 'too_large'))
        throw new Refusal(413, `The ${label} is larger than ${megabytes(maxBytes)}.`)
      if (isStorageError(error, 'suspicious_name'))
        throw new Refusal(422, `The ${label} has a name that cannot be used.`)
      throw error
    }
    if (this.values['photosWidth'] === null) throw new Refusal(415, 'The photo cannot be read: it is damaged.')
  }
}
