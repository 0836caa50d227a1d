import type { CallOptions } from '../core/call.ts'
import type { Content } from '../core/content.ts'
import { isStorageError } from '../core/errors.ts'
import { checkCallOptions } from '../core/known-options.ts'
import { FieldFile } from './field-file.ts'
import { checkOptionNames, FILE_OPTIONS, type FileFieldOptions } from './field-options.ts'
import { FileField } from './file-field.ts'
import { imageHeader, loadImageSize } from './image/header.ts'
import { observed, readByRanges } from './image/read.ts'
import type { ImageInfo } from './image/wanted.ts'
import type { Owner } from './persist.ts'

/** The storage of an image field's files, and the attributes of the row for values from their headers. */
// biome-ignore lint/suspicious/noExplicitAny: a row of any model
export interface ImageFieldOptions<Row = any> extends FileFieldOptions<Row> {
  /** The attribute for the width in pixels. */
  readonly width?: string | undefined
  /** The attribute for the height in pixels. */
  readonly height?: string | undefined
  /** The attribute for the EXIF orientation, 1 to 8. */
  readonly orientation?: string | undefined
}

/** Maximum time in milliseconds for reading a header. */
const MAX_MS = 10_000

/**
 * A file field for pictures. Width and height, before the orientation is applied, are read from the bytes while they are stored, and
 * written to the attributes of the row that the options name. A file that is not a picture leaves them null. Needs the package
 * `image-size`.
 */
// biome-ignore lint/suspicious/noExplicitAny: a row of any model
export class ImageField<Row = any> extends FileField<Row> {
  declare readonly options: ImageFieldOptions<Row>

  override attach(name: string | null | undefined, owner?: Owner): ImageFieldFile {
    return new ImageFieldFile(this, name, owner)
  }

  override columnsOf(found: unknown): Readonly<Record<string, unknown>> {
    const { width, height, orientation } = this.options
    const info = found as ImageInfo | undefined
    const columns: Record<string, unknown> = {}
    if (width !== undefined) columns[width] = info?.width ?? null
    if (height !== undefined) columns[height] = info?.height ?? null
    if (orientation !== undefined) columns[orientation] = info?.orientation ?? null
    return columns
  }

  /** Returns the values in the columns of a row; undefined where they are empty, or the field has none. */
  infoIn(row: object | undefined): ImageInfo | undefined {
    const { width = '', height = '', orientation = '' } = this.options
    const values = (row ?? {}) as Readonly<Record<string, unknown>>
    const [w, h, turn] = [values[width], values[height], values[orientation]]
    if (typeof w !== 'number' || typeof h !== 'number') return undefined
    return { width: w, height: h, orientation: typeof turn === 'number' ? turn : undefined }
  }

  protected override async observe(content: Content): Promise<{ content: Content; found(): unknown }> {
    const imageSize = await loadImageSize()
    return observed(content, () => imageHeader(imageSize))
  }
}

/** The picture of a row. */
export class ImageFieldFile extends FieldFile {
  /**
   * Returns width, height and orientation of the picture: from the columns of its row if they are filled, else from the header of the
   * stored file, by ranged reads. Undefined for a file that is not a picture; a missing file is `not_found`, and without a file it is
   * `no_file`.
   */
  async dimensions(options: CallOptions = {}): Promise<ImageInfo | undefined> {
    checkCallOptions('dimensions', options)
    const { signal } = options
    const field = this.field as ImageField
    const known = this.committed && !this.isEmpty ? field.infoIn(this.row) : undefined
    if (known !== undefined) return known
    const { storage } = this
    const name = this.storedName()
    const imageSize = await loadImageSize()
    const timeout = AbortSignal.timeout(MAX_MS)
    const within = signal === undefined ? timeout : AbortSignal.any([signal, timeout])
    const read = async (start: number, end: number): Promise<Uint8Array> => {
      try {
        return await storage.readBytes(name, { start, end, signal: within })
      } catch (error) {
        if (isStorageError(error, 'invalid_range')) return new Uint8Array()
        throw error
      }
    }
    return readByRanges(imageHeader(imageSize), read)
  }

  /** Width in pixels, before the orientation is applied; see `dimensions`. */
  async width(options: CallOptions = {}): Promise<number | undefined> {
    checkCallOptions('width', options)
    return (await this.dimensions(options))?.width
  }

  /** Height in pixels, before the orientation is applied; see `dimensions`. */
  async height(options: CallOptions = {}): Promise<number | undefined> {
    checkCallOptions('height', options)
    return (await this.dimensions(options))?.height
  }
}

/**
 * A file field for pictures.
 * @example
 * const photo = imageField({ uploadTo: 'photos', width: 'photoWidth', height: 'photoHeight' })
 */
// biome-ignore lint/suspicious/noExplicitAny: a row of any model
export function imageField<Row = any>(options: ImageFieldOptions<Row> = {}): ImageField<Row> {
  checkOptionNames(options, [...FILE_OPTIONS, 'width', 'height', 'orientation'])
  return new ImageField(options)
}
