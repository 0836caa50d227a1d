/** A part of the file that a reader asks for; it gets fewer bytes where the file ends. */
export interface Wanted {
  readonly offset: number
  readonly length: number
}

/** What the header of a picture says. */
export interface ImageInfo {
  /** Pixels, before the orientation is applied. */
  readonly width: number
  /** Pixels, before the orientation is applied. */
  readonly height: number
  /** How the picture is to be turned: 1 to 8, as in EXIF; undefined where the file does not say. (CIPA DC-008, tag 274) */
  readonly orientation: number | undefined
}

/** Reads a header: asks for parts of the file, in ascending order as far as the format permits, until the size is known or cannot be found. */
export type HeaderReader<T = ImageInfo | undefined> = Generator<Wanted, T, Uint8Array>

/** What `image-size` does. */
export type ImageSize = (bytes: Uint8Array) => {
  readonly width: number
  readonly height: number
  readonly orientation?: number | undefined
}

/** Bytes of a part that is asked for first, and where a length is not known. */
export const PART: number = 4096
/** Most bytes of one part. */
export const MAX_PART: number = 256 * 1024

/** A picture with these sizes; undefined where one is no whole number above 0. */
export function infoOf(width: number, height: number, orientation: number | undefined): ImageInfo | undefined {
  if (!Number.isSafeInteger(width) || !Number.isSafeInteger(height) || width <= 0 || height <= 0) return undefined
  const known = orientation !== undefined && orientation >= 1 && orientation <= 8
  return { width, height, orientation: known ? orientation : undefined }
}

/** A view for reading numbers. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Four bytes as text. */
export function fourCharacters(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4))
}
