/** A part of the file that a reader requests; it receives fewer bytes at the end of the file. */
export interface Wanted {
  readonly offset: number
  readonly length: number
}

/** The values in the header of a picture. */
export interface ImageInfo {
  /** Width in pixels, before the orientation is applied. */
  readonly width: number
  /** Height in pixels, before the orientation is applied. */
  readonly height: number
  /** The orientation, 1 to 8 as in EXIF; undefined where the file has none. (CIPA DC-008, tag 274) */
  readonly orientation: number | undefined
}

/**
 * Reads a header: requests parts of the file, in ascending order as far as the format permits, until the size is known or cannot be found.
 */
export type HeaderReader<T = ImageInfo | undefined> = Generator<Wanted, T, Uint8Array>

/** The signature of `image-size`. */
export type ImageSize = (bytes: Uint8Array) => {
  readonly width: number
  readonly height: number
  readonly orientation?: number | undefined
}

/** Bytes of the first requested part, and of parts of unknown length. */
export const PART: number = 4096
/** Maximum size in bytes of one part. */
export const MAX_PART: number = 256 * 1024

/** Returns a picture with these sizes; undefined where one is not a whole number above 0. */
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
