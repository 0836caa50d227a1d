import type { Coding } from '../core/codings.ts'
import type { ErrorCode } from '../core/errors.ts'
import { isStorageError, StorageError } from '../core/errors.ts'
import { allowOrigins, type CorsOptions } from './cors.ts'
import { deleteFile } from './deletion.ts'
import { failure } from './failure.ts'
import type { HeaderOptions } from './headers.ts'
import { normalBasePath, pathnameOf } from './mounted.ts'
import { precompressedCodings } from './representation.ts'
import { sendFile } from './send.ts'
import type { ServedStorage } from './served-storage.ts'
import { type ServedUrl, storeUpload } from './upload.ts'

/** A storage that can verify its own signed URLs, as `LocalStorage` does. */
export interface UrlVerifier {
  readonly urlsAreSigned: boolean
  /** Throws or rejects with `permission_denied` for a tampered or expired URL. */
  verifyUrl(method: string, name: string, query: URLSearchParams): ServedUrl | Promise<ServedUrl>
}

/** Options of `createFileHandler`. */
export interface FileHandlerOptions extends Partial<HeaderOptions> {
  /** Path below which the files are served; default '/'. It is the path that the client sees, also under a mount of Express. */
  readonly basePath?: string | undefined
  /** Whether reading needs a signed URL; default: where the storage signs its URLs. Writing always needs one. */
  readonly signed?: boolean | undefined
  /**
   * Whether `a.css` is answered from `a.css.br`, `a.css.zst` or `a.css.gz` where one is stored beside it and the client accepts the coding:
   * all three, or the named ones. Default: false. The client's preference decides, then br, zstd, gzip. A sibling that is older than its
   * file is not sent. Use it only for files of the site itself: a client that may store `a.css.br` decides the content of `a.css`.
   */
  readonly precompressed?: boolean | readonly Coding[] | undefined
  /** Maximum size of an upload in bytes; default 100 MiB. The parameter `max-bytes` of a signed URL can only lower it. */
  readonly maxUploadBytes?: number | undefined
  /**
   * Lets pages of other origins read and, with URLs signed for it, PUT and DELETE: answers preflights (OPTIONS), exposes the headers of
   * files. Never with credentials. Default: none, so browsers reject requests from pages of other origins.
   */
  readonly cors?: CorsOptions | undefined
  /** Called with failures of the server: answers from 500 on. Its own errors and rejections are discarded. */
  readonly onError?: ((error: unknown, request: Request) => void | Promise<void>) | undefined
}

/**
 * Answers a request for a file. Never rejects. `Request` has already normalised its URL: a `\` of the request target has become a `/`. Only
 * `toNodeListener` can see it, and rejects it.
 */
export type FileHandler = (request: Request) => Promise<Response>

/** The permissions of a URL that is not checked. */
const UNSIGNED: ServedUrl = { parameters: {} }

/** The status of an answer by the code of an error; others are 500. */
export const STATUS: Partial<Record<ErrorCode, number>> = {
  not_found: 404,
  is_directory: 404,
  not_a_directory: 404,
  suspicious_name: 404,
  permission_denied: 403,
  precondition_failed: 412,
  too_large: 413,
  no_space: 507,
  throttled: 503,
  unavailable: 503,
  timeout: 504,
  invalid_argument: 400,
  unsupported: 501,
}

/**
 * Returns a handler that serves the files of any storage to GET and HEAD, and accepts PUT and DELETE with URLs that were signed for them
 * (`url(name, { method: 'PUT' })`). Single ranges, `If-Range`, entity tags, 304 and 416 as in RFC 9110. Unknown, hidden and escaping names
 * are a 404; an invalid signature is a 403. A DELETE is answered with 204, also when the file is missing, so that it can be repeated;
 * conditions of PUT and DELETE are a 501.
 * @example
 * const handler = createFileHandler(storage, { basePath: '/media', cors: { origins: ['https://app.example.com'] } })
 * createServer(toNodeListener(handler)).listen(3000)
 */
export function createFileHandler(storage: ServedStorage, options: FileHandlerOptions = {}): FileHandler {
  const verifier = verifierOf(storage)
  if (options.signed === true && verifier === undefined) {
    throw new StorageError('improperly_configured', 'signed: the storage has no secret to check URLs with (urlSecret).')
  }
  const needsSignature = options.signed ?? verifier !== undefined
  const { cacheControl } = options
  const usual = needsSignature ? 'private, no-cache' : 'no-cache'
  const shown: HeaderOptions = {
    cacheControl: typeof cacheControl === 'function' ? name => cacheControl(name) ?? usual : (cacheControl ?? usual),
    disposition: options.disposition ?? 'inline',
    trusted: options.trusted ?? false,
  }
  const codings = precompressedCodings(options.precompressed)
  const basePath = normalBasePath(options.basePath)
  const writing = verifier === undefined ? [] : storage.delete === undefined ? ['PUT'] : ['PUT', 'DELETE']
  const methods = ['GET', 'HEAD', ...writing]
  const allowed = methods.join(', ')

  async function answer(request: Request): Promise<Response> {
    const { method } = request
    if (!methods.includes(method)) return failure(405, { allow: allowed })
    const { searchParams } = new URL(request.url)
    const name = nameOf(pathnameOf(request, basePath), basePath)
    if (name === undefined) return failure(404)
    const isChecked =
      verifier !== undefined && (needsSignature || writing.includes(method) || searchParams.has('signature'))
    // Awaited because the storage may verify it elsewhere; without a result nothing is allowed.
    const url: ServedUrl | undefined = isChecked ? await verifier.verifyUrl(method, name, searchParams) : UNSIGNED
    if (url === undefined) return failure(403)
    if (method === 'PUT') return storeUpload(storage, name, request, url, options.maxUploadBytes ?? 104_857_600)
    if (method === 'DELETE') return deleteFile(storage, name, request)
    return sendFile({ storage, name, request, overrides: url.parameters, options: shown, codings })
  }

  function report(error: unknown, request: Request): void {
    if (request.signal.aborted) return
    // A request gets its answer even if the logger fails.
    try {
      Promise.resolve(options.onError?.(error, request)).catch(() => {})
    } catch {}
  }

  const handler: FileHandler = async request => {
    try {
      return await answer(request)
    } catch (error) {
      const status = (isStorageError(error) ? STATUS[error.code] : undefined) ?? 500
      if (status >= 500) report(error, request)
      const wait = isStorageError(error) ? error.retryAfterMs : undefined
      return failure(status, wait === undefined ? {} : { 'retry-after': String(Math.ceil(wait / 1000)) })
    }
  }
  return options.cors === undefined ? handler : allowOrigins(handler, options.cors, methods)
}

function verifierOf(storage: object): UrlVerifier | undefined {
  const candidate = storage as Partial<UrlVerifier>
  return typeof candidate.verifyUrl === 'function' && candidate.urlsAreSigned === true
    ? (candidate as UrlVerifier)
    : undefined
}

/** Returns the name in a path; undefined where there is none, or one that no URL of Holdall can contain. */
function nameOf(pathname: string, basePath: string): string | undefined {
  if (!pathname.startsWith(basePath)) return undefined
  const encoded = pathname.slice(basePath.length)
  if (encoded === '' || /%2f|%5c|%00|\\/i.test(encoded)) return undefined
  try {
    const name = decodeURIComponent(encoded)
    return name.split('/').some(part => part === '' || part === '.' || part === '..') ? undefined : name
  } catch {
    return undefined
  }
}
