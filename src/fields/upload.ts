import { openAsBlob } from 'node:fs'
import { basename } from 'node:path'
import type { ReadableStream as WebStream } from 'node:stream/web'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { nodeCrypto } from '../core/builtin.ts'
import { asContent, type Content, type ContentProvider, toContent } from '../core/content.ts'
import { sourceError } from '../core/errors.ts'
import { extensionOf } from '../core/mime.ts'
import { lastPartOf } from '../core/names.ts'

/**
 * Content that a file field accepts: bytes, a `File` or `Blob`, a stream, a file object of Holdall, or the `file:` URL of a file on this
 * machine.
 */
export type FileSource =
  | ArrayBuffer
  | ArrayBufferView
  | Blob
  | WebStream
  | ReadableStream
  | NodeJS.ReadableStream
  | AsyncIterable<Uint8Array | string>
  | ContentProvider
  | URL

/** Content for a file field, with the name and the type that it is stored with. */
export class Upload {
  readonly source: FileSource | string
  /** The name that is passed to `uploadTo`; undefined for the content's own. */
  readonly name: string | undefined
  readonly contentType: string | undefined

  constructor(source: FileSource | string, name?: string, contentType?: string) {
    this.source = source
    this.name = name
    this.contentType = contentType
  }

  /** The name that is known without reading the content; undefined where it has none. */
  get givenName(): string | undefined {
    return this.name ?? ownName(this.source)
  }

  /**
   * Returns the content with its name. Bytes and streams without a name get a random one; a file object without a name has the name
   * `undefined` here.
   */
  async open(): Promise<{ readonly content: Content; readonly name: string | undefined }> {
    const { source } = this
    const opened = toContent(source instanceof URL ? await fileBlob(source) : source)
    const content = this.contentType === undefined ? opened : { ...opened, contentType: this.contentType }
    const name = this.givenName ?? (isNameable(source) ? undefined : randomName(content.contentType))
    return { content, name }
  }
}

/**
 * Returns content for a file field with a name, which a Buffer or a stream does not have.
 * @example
 * await db.insert(resumes).values({ title: 'CV', pdf: upload(buffer, 'cv.pdf') })
 */
export function upload(
  source: FileSource | string,
  name?: string,
  options: { readonly contentType?: string | undefined } = {},
): Upload {
  return new Upload(source, name, options.contentType)
}

/** Returns the file at a path of this machine, for a file field; its name is the last part of the path. */
export function uploadPath(path: string, name?: string): Upload {
  return new Upload(pathToFileURL(path), name)
}

/** Whether the value is content, not a name, a stored file or something else. */
export function isFileSource(value: unknown): value is FileSource {
  if (typeof value !== 'object' || value === null) return false
  if (value instanceof URL) return value.protocol === 'file:'
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof Blob) return true
  return 'getReader' in value || Symbol.asyncIterator in value || asContent in value
}

/** Whether a source can have a name: for a file object of Holdall, a missing name is an error. */
function isNameable(source: FileSource | string): boolean {
  return typeof source === 'object' && asContent in source
}

/** Returns the last part of the content's own name: `File.name`, the path of a `ReadStream`, the name of a file object. */
function ownName(source: FileSource | string): string | undefined {
  if (source instanceof URL) return basename(fileURLToPath(source))
  if (typeof source === 'string') return undefined
  const { name, path } = source as { readonly name?: unknown; readonly path?: unknown }
  const given = typeof name === 'string' && name !== '' ? name : path
  if (typeof given !== 'string') return undefined
  return lastPartOf(given) || undefined
}

function randomName(contentType: string | undefined): string {
  const extension = contentType === undefined ? undefined : extensionOf(contentType)
  const name = nodeCrypto().randomUUID()
  return extension === undefined ? name : `${name}.${extension}`
}

async function fileBlob(url: URL): Promise<Blob> {
  try {
    return await openAsBlob(fileURLToPath(url))
  } catch (error) {
    throw sourceError(error)
  }
}
