import type { UrlSigner } from '../../backends/local/signed-urls.ts'
import { contentDisposition } from '../../core/disposition.ts'
import { isStorageError } from '../../core/errors.ts'
import type { Entry } from '../../storage/types.ts'
import { sendFile } from '../send.ts'
import { json, Refusal } from './answers.ts'
import { kindOf, typeOf } from './kinds.ts'
import type { Place } from './place.ts'

/** Maximum number of entries in one answer, where the storage can limit them. */
const PAGE_SIZE = 200
/** Files without markup and scripts are shown; the others are downloaded. */
const HEADERS = { cacheControl: 'private, no-cache', disposition: 'inline', trusted: false } as const

/** Returns an entry in the form for the page. */
function shownEntry(place: Place, entry: Entry): Record<string, unknown> {
  const path = place.pathOf(entry.name)
  return {
    path,
    name: path.slice(path.lastIndexOf('/') + 1),
    kind: kindOf(entry),
    size: entry.isDirectory || !Number.isFinite(entry.size) ? undefined : entry.size,
    modified: entry.modifiedAt?.toISOString(),
    type: entry.isDirectory ? undefined : typeOf(entry),
  }
}

/** Returns one page of a folder. An entry of the storage that this place cannot reach is left out. */
export async function listPage(place: Place, query: URLSearchParams, signal: AbortSignal): Promise<Response> {
  const token = query.get('token') ?? undefined
  const { entries, next } = await place.storage.page(place.nameOf(pathIn(query)), { token, limit: PAGE_SIZE, signal })
  return json({ entries: entries.map(entry => shownEntry(place, entry)), next })
}

/** Returns the attributes of one file. */
export async function statFile(place: Place, query: URLSearchParams, signal: AbortSignal): Promise<Response> {
  return json(shownEntry(place, await place.storage.stat(place.nameOf(pathIn(query)), { signal })))
}

/** Sends the bytes of a file, whole or in part. A file that could run a script is sent as a download, in a sandbox. */
export async function sendContent(place: Place, query: URLSearchParams, request: Request): Promise<Response> {
  const name = place.nameOf(pathIn(query))
  const attachment = contentDisposition('attachment', name)
  const overrides: Record<string, string> = query.has('download') ? { 'response-content-disposition': attachment } : {}
  const answer = await sendFile({ storage: place.storage, name, request, overrides, options: HEADERS, codings: [] })
  if (answer.headers.has('content-security-policy')) answer.headers.set('content-disposition', attachment)
  else
    answer.headers.set(
      'content-security-policy',
      "default-src 'none'; style-src 'unsafe-inline'; media-src 'self'; img-src 'self'",
    )
  return answer
}

/**
 * Stores the body as a new file of the folder. It replaces no file: for a taken name the new file gets another one, which the answer
 * contains.
 */
export async function uploadFile(
  place: Place,
  query: URLSearchParams,
  request: Request,
  maxBytes: number,
): Promise<Response> {
  const tooLarge = new Refusal(413, `The file is larger than ${maxBytes} bytes, which is the maximum here.`)
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) throw tooLarge
  const name = place.newName(pathIn(query), query.get('name') ?? '')
  const { signal } = request
  try {
    // The type follows from the name; the client cannot choose it.
    const stored = await place.storage.save(name, request.body ?? '', { overwrite: false, maxSize: maxBytes, signal })
    return json(shownEntry(place, await place.storage.stat(stored, { signal })), 201)
  } catch (error) {
    throw isStorageError(error, 'too_large') ? tooLarge : error
  }
}

/** Deletes a file; a missing one is no error. */
export async function removeFile(place: Place, query: URLSearchParams, signal: AbortSignal): Promise<Response> {
  const path = pathIn(query)
  if (path === '') throw new Refusal(400, 'The storage itself cannot be deleted.')
  await place.storage.delete(place.nameOf(path), { signal })
  return new Response(null, { status: 204 })
}

/** The options for links to files. */
export interface LinkMaker {
  /** Lifetime of a link in seconds, where links expire. */
  readonly lifeSecs: number
  /** Signs links to this page, for storages that have no URLs of their own. */
  readonly signer: UrlSigner | undefined
}

/**
 * Returns a link to a file that other people can open: the storage's own URL, signed where it signs, else a signed link to this page where
 * it has a `linkSecret`.
 */
export async function linkTo(place: Place, query: URLSearchParams, links: LinkMaker): Promise<Response> {
  const link = await linkOf(place, pathIn(query), links)
  if (link === undefined) throw new Refusal(501, 'This storage has no URLs that others could open.')
  return json(link)
}

/** Whether files of the place have URLs for other people. Sends no request. */
export async function hasLinks(place: Place, links: LinkMaker): Promise<boolean> {
  return linkOf(place, 'a', links).then(
    link => link !== undefined,
    () => false,
  )
}

interface Link {
  /** Absolute, or relative to the page. */
  readonly url: string
  readonly expiresInSecs: number | undefined
}

async function linkOf(place: Place, path: string, { lifeSecs, signer }: LinkMaker): Promise<Link | undefined> {
  const { storage, label } = place
  const name = place.nameOf(path)
  const isSigned = storage.urlSigning !== undefined
  const own = await storage.url(name, isSigned ? { expiresInSecs: lifeSecs } : {}).catch(noUrl)
  // A path without a host belongs to an application, which need not be this server.
  if (own !== undefined && URL.canParse(own)) return { url: own, expiresInSecs: isSigned ? lifeSecs : undefined }
  if (signer === undefined) return undefined
  const signed = signer.sign('', { method: 'GET', expiresInSecs: lifeSecs, parameters: { storage: label, path } })
  return { url: `${SHARED_ROUTE}?${signed}`, expiresInSecs: lifeSecs }
}

function noUrl(error: unknown): undefined {
  if (!isStorageError(error, 'unsupported', 'improperly_configured')) throw error
}

/** The path of links to this page; a person who has such a link needs no other permission. */
export const SHARED_ROUTE = '-/shared'

/** Checks the signature of a link to this page; an invalid one is a 403. */
export function checkShared(query: URLSearchParams, method: string, { signer }: LinkMaker): void {
  try {
    if (signer !== undefined && signer.verify(method, '', query).method === 'GET') return
  } catch {}
  throw new Refusal(403, 'The link is not valid, or it has expired.')
}

export function pathIn(query: URLSearchParams): string {
  return query.get('path') ?? ''
}
