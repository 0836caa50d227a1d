import { StorageError } from '../core/errors.ts'
import type { SaveOptions } from '../storage/types.ts'
import { failure } from './failure.ts'
import type { ServedStorage } from './served-storage.ts'

/** The permissions of a verified signed URL. */
export interface ServedUrl {
  /** Signed query parameters. */
  readonly parameters: Readonly<Record<string, string>>
}

/** Headers that would make a change conditional. */
export const CONDITIONS: readonly string[] = [
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'content-range',
]

/**
 * Stores the body of a PUT under exactly this name and answers 201, or 204 when it replaced a file (RFC 9110 9.3.4). A media type other
 * than the signed one is a 403, too many bytes a 413. A body that breaks off stores nothing. Conditions are a 501, since they would
 * otherwise be ignored.
 */
export async function storeUpload(
  storage: Pick<ServedStorage, 'save' | 'stat'>,
  name: string,
  request: Request,
  url: ServedUrl,
  maxBytes: number,
): Promise<Response> {
  if (CONDITIONS.some(header => request.headers.has(header))) return failure(501)
  const { parameters } = url
  const contentType = request.headers.get('content-type') ?? undefined
  const signedType = parameters['content-type']
  if (signedType !== undefined && signedType !== contentType) {
    throw new StorageError('permission_denied', 'The media type is not the one that was signed.')
  }
  const signedLimit = parameters['max-bytes']
  const limit = signedLimit === undefined ? maxBytes : Math.min(maxBytes, Number(signedLimit))
  const declared = request.headers.get('content-length')
  if (declared !== null && Number(declared) > limit)
    throw new StorageError('too_large', `The upload is larger than ${limit} bytes.`)
  const options: SaveOptions = {
    overwrite: true,
    maxSize: limit,
    signal: request.signal,
    contentType,
    contentDisposition: parameters['content-disposition'],
    contentEncoding: parameters['content-encoding'],
    contentLanguage: parameters['content-language'],
    cacheControl: parameters['cache-control'],
  }
  const status = await storage.stat(name, { signal: request.signal }).then(
    () => 204,
    () => 201,
  )
  await storage.save(name, request.body ?? '', options)
  return new Response(null, { status })
}
