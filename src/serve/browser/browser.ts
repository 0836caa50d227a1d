import { UrlSigner } from '../../backends/local/signed-urls.ts'
import { checkKnownOptions, type KnownOptions } from '../../core/known-options.ts'
import type { AnyStorage } from '../../storage/storage.ts'
import type { FileHandler } from '../handler.ts'
import { normalBasePath, pathnameOf, sentPathname } from '../mounted.ts'
import {
  checkShared,
  hasLinks,
  type LinkMaker,
  linkTo,
  listPage,
  pathIn,
  removeFile,
  SHARED_ROUTE,
  sendContent,
  statFile,
  uploadFile,
} from './actions.ts'
import { errorAnswer, guarded, json, pageFile, Refusal } from './answers.ts'
import { markdownDocument } from './markdown.ts'
import { type MigrationSource, Migrations } from './migrations.ts'
import { pageText, pageTypes } from './page-files.ts'
import { type BrowsedStorage, type Place, placesOf } from './place.ts'

/** Options of the storage browser. */
export interface StorageBrowserOptions {
  /** Path of the page; default '/'. It is the path that the client sees, also under a mount of Express. */
  readonly basePath?: string | undefined
  /** Title of the page; default 'Files'. */
  readonly title?: string | undefined
  /** Whether files can be uploaded and deleted: in all storages, or in the named ones. Default: false. */
  readonly writable?: boolean | readonly string[] | undefined
  /** Maximum size of an upload in bytes; default 100 MiB. */
  readonly maxUploadBytes?: number | undefined
  /** Lifetime of a copied link in seconds, where links are signed; default 3600. */
  readonly linkExpiresInSecs?: number | undefined
  /**
   * Secret of at least 16 bytes that signs links to files of storages without absolute URLs. The links lead to `-/shared` below the page,
   * and open the file for every client that has one: the application must let requests to that path through without a login. Default: such
   * files have no links.
   */
  readonly linkSecret?: string | undefined
  /**
   * Returns the migrations for a page that shows their progress, `migrations` below the page; several sources are shown together. It is
   * called about every 2 s while the page is visible. A source that fails is a message in the page, and passed to `onError`. Default: no
   * such page.
   */
  readonly migrations?: MigrationSource | readonly MigrationSource[] | undefined
  /** Called with failures of the server or the storage. Its own errors and rejections are discarded. */
  readonly onError?: ((error: unknown, request: Request) => void | Promise<void>) | undefined
}

const OPTIONS: KnownOptions<StorageBrowserOptions> = {
  basePath: true,
  title: true,
  writable: true,
  maxUploadBytes: true,
  linkExpiresInSecs: true,
  linkSecret: true,
  migrations: true,
  onError: true,
}

/** A header that the page sends with every change; a form or a link of another page cannot send it. */
const CHANGE_HEADER = 'x-storage-browser'

/**
 * Returns a page that shows the files of storages by their labels: folders, thumbnails, previews, search, downloads, links; and uploads and
 * deletions where `writable` allows them. It is a web handler like that of `createFileHandler`, for `toNodeListener`, and never rejects.
 * The application must check access before it calls the handler. Changes from pages of other origins are rejected, stored HTML and SVG
 * never run in the page's origin, and the page needs no inline script or style (a strict `Content-Security-Policy`).
 * @example
 * const browser = createStorageBrowser({ media: storages.media }, { basePath: '/files', writable: true })
 * app.use('/files', requireAdmin, toNodeListener(browser))
 */
export function createStorageBrowser(
  storages: Readonly<Record<string, AnyStorage | BrowsedStorage>>,
  options: StorageBrowserOptions = {},
): FileHandler {
  checkKnownOptions('createStorageBrowser', options, OPTIONS)
  const { title = 'Files', writable = false, maxUploadBytes = 104_857_600, linkSecret } = options
  const basePath = normalBasePath(options.basePath)
  const links: LinkMaker = {
    lifeSecs: options.linkExpiresInSecs ?? 3600,
    signer: linkSecret === undefined ? undefined : new UrlSigner(linkSecret, basePath),
  }
  const places = placesOf(storages, writable)
  const migrations = new Migrations(options.migrations ?? [])

  function placeIn(query: URLSearchParams): Place {
    const label = query.get('storage') ?? ''
    const place = places.get(label)
    if (place === undefined) throw new Refusal(404, `There is no storage '${label}'.`)
    return place
  }

  function writablePlace(query: URLSearchParams, request: Request): Place {
    if (request.headers.get(CHANGE_HEADER) === null || !isSameOrigin(request)) {
      throw new Refusal(403, 'Changes are accepted from the page itself only.')
    }
    const place = placeIn(query)
    if (!place.isWritable) throw new Refusal(403, `The storage '${place.label}' is read-only here.`)
    return place
  }

  async function overview(): Promise<Response> {
    const shown = [...places.values()].map(async place => {
      return { label: place.label, writable: place.isWritable, links: await hasLinks(place, links) }
    })
    return json({
      title,
      storages: await Promise.all(shown),
      maxUploadBytes: finite(maxUploadBytes),
      migrations: migrations.isShown || undefined,
    })
  }

  function read(route: string, query: URLSearchParams, request: Request): Promise<Response> | Response {
    const { signal } = request
    switch (route) {
      case '-/storages':
        return overview()
      case '-/list':
        return listPage(placeIn(query), query, signal)
      case '-/stat':
        return statFile(placeIn(query), query, signal)
      case '-/link':
        return linkTo(placeIn(query), query, links)
      case '-/file':
        return sendContent(placeIn(query), query, request)
      case '-/markdown':
        return markdownDocument(placeIn(query), pathIn(query), signal)
      case '-/migrations':
        if (migrations.isShown) return migrations.answer(error => report(error, request))
    }
    if (route === MIGRATIONS_ROUTE && !migrations.isShown) throw noPage()
    return asset(route, request.method)
  }

  async function answer(request: Request): Promise<Response> {
    const { method } = request
    const { searchParams: query } = new URL(request.url)
    const pathname = pathnameOf(request, basePath)
    if (!`${pathname}/`.startsWith(basePath)) throw noPage()
    const route = pathname.slice(basePath.length)
    const sent = sentPathname(request)
    if (route === '' && !sent.endsWith('/')) return withSlash(sent)
    if (route === SHARED_ROUTE && (method === 'GET' || method === 'HEAD')) {
      checkShared(query, method, links)
      return sendContent(placeIn(query), query, request)
    }
    if (!DOCUMENTS.has(route) && isForeign(request)) throw new Refusal(403, 'Other pages cannot use this one.')
    if (method === 'GET' || method === 'HEAD') return read(route, query, request)
    if (route === '-/file' && method === 'PUT') {
      return uploadFile(writablePlace(query, request), query, request, maxUploadBytes)
    }
    if (route === '-/file' && method === 'DELETE') {
      return removeFile(writablePlace(query, request), query, request.signal)
    }
    throw new Refusal(405, 'The page has no such method.')
  }

  function report(error: unknown, request: Request): void {
    if (request.signal.aborted) return
    try {
      Promise.resolve(options.onError?.(error, request)).catch(() => {})
    } catch {}
  }

  return async request => {
    try {
      return guarded(await answer(request))
    } catch (error) {
      const { answer: failed, isOurs } = errorAnswer(error)
      if (isOurs) report(error, request)
      return guarded(failed)
    }
  }
}

/** The path of the page that shows migrations. */
const MIGRATIONS_ROUTE = 'migrations'

/** The documents by their paths; other sites may link to them. */
const DOCUMENTS: ReadonlyMap<string, string> = new Map([
  ['', 'index.html'],
  [MIGRATIONS_ROUTE, 'migrations.html'],
])

function asset(route: string, method: string): Response {
  const name = DOCUMENTS.get(route) ?? (/^-\/(?!.*\.html$)/.test(route) ? route.slice(2) : '')
  const type = pageTypes.get(name)
  if (type === undefined) throw noPage()
  return pageFile(pageText(name), type, method)
}

function noPage(): Refusal {
  return new Refusal(404, 'There is no such page.')
}

/**
 * Redirects to the same path with a slash at its end, which relative addresses need. The location is relative too, so that it cannot name a
 * host.
 */
function withSlash(sent: string): Response {
  const location = `./${sent.slice(sent.lastIndexOf('/') + 1)}/`
  return new Response(null, { status: 308, headers: { location, 'cache-control': 'no-store' } })
}

/** Whether the browser reports that another site, or another port of this one, made the request. */
function isForeign(request: Request): boolean {
  const site = request.headers.get('sec-fetch-site')
  return site !== null && site !== 'same-origin' && site !== 'none'
}

/** Whether the browser reports that a page of this very origin made the request. (W3C Fetch Metadata; RFC 6454 7) */
function isSameOrigin(request: Request): boolean {
  const site = request.headers.get('sec-fetch-site')
  if (site !== null) return site === 'same-origin'
  const origin = URL.parse(request.headers.get('origin') ?? '')
  return origin !== null && origin.host === (request.headers.get('host') ?? new URL(request.url).host)
}

function finite(bytes: number): number | undefined {
  return Number.isFinite(bytes) ? bytes : undefined
}
