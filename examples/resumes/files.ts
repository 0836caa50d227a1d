import { parse } from 'node:path'
import { filepathToUri, isStorageError } from 'holdall'
import type { FieldFile } from 'holdall/fields'
import { DOCUMENTS, type Kind, PICTURES } from './kinds.ts'

/** What is taken for a file column. */
export interface Taken {
  /** As the page calls it. */
  readonly label: string
  readonly kinds: readonly Kind[]
  readonly maxBytes: number
  /** Why any other kind is refused. */
  readonly refusal: string
}

export type FileColumn = 'pdf' | 'photos'

const MB = 1_000_000

export const TAKEN: Readonly<Record<FileColumn, Taken>> = {
  pdf: { label: 'resume', kinds: DOCUMENTS, maxBytes: 200 * MB, refusal: 'The resume must be a PDF file.' },
  photos: {
    label: 'photo',
    kinds: PICTURES,
    maxBytes: 20 * MB,
    refusal: 'The photo must be a PNG, JPEG, GIF, WebP or AVIF file.',
  },
}

export function megabytes(bytes: number): string {
  return `${Math.round(bytes / MB)} MB`
}

/** The name of an uploaded file with the extension of what it is: a page that is called `cv.html` shall not be served as one. */
export function safeName(filename: string, column: FileColumn, { extension }: Kind): string {
  const { name } = parse(filename.replaceAll('\\', '/'))
  return `${/[\p{L}\p{N}]/u.test(name) ? name : column}.${extension}`
}

/** Where a browser gets a file: at the URL that its storage has for it, else here. */
export async function urlOf(file: FieldFile): Promise<string> {
  try {
    return await file.url()
  } catch (error) {
    if (!isStorageError(error, 'unsupported')) throw error
    return `/media/${filepathToUri(String(file))}`
  }
}
