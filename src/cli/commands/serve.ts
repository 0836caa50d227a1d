import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { Command } from 'commander'
import type { LocalStorage } from '../../backends/local/index.ts'
import { MAX_URL_SECS } from '../../backends/local/signed-urls.ts'
import { forEachParallel } from '../../core/parallel.ts'
import type { AnyStorage } from '../../storage/storage.ts'
import { type CliContext, UsageError } from '../context.ts'
import { withContent } from '../local-content.ts'
import { type LocalFile, localFiles } from '../local-files.ts'
import { migrationSources } from '../migration-sources.ts'
import { secondsOf } from '../options.ts'
import { formatSize, printable } from '../output.ts'
import { packageRoot } from '../package-root.ts'
import { guardHost, guardPage, newSecret } from '../page-guard.ts'
import { Progress } from '../progress.ts'
import { checkListed, checkPage, checkUrls, type StoredFile } from '../serve-check.ts'
import { isFolder, type ServedPlace, servedPlaces } from '../served-places.ts'

interface ServeOptions {
  readonly root?: string
  readonly port: string
  readonly host: string
  readonly expires: string
  readonly maxUpload?: string
  readonly writable?: boolean
  readonly once?: boolean
  readonly follow?: boolean
}

/** `holdall serve`: serves a page with the files of storages and folders for the browser. */
export function serve(program: Command, context: CliContext): void {
  program
    .command('serve')
    .description('show the files of storages or local folders on a page in the browser, and print its URL')
    .argument(
      '[places...]',
      "alias:, alias:path, or a local folder; this package's docs and example media when left out",
    )
    .option('--writable', 'allow uploads and deletions')
    .option('--port <n>', 'port; 0 takes a free one', '0')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--expires <duration>', 'life of copied links: seconds, or 90s, 10m, 1h, 7d', '1h')
    .option('--max-upload <bytes>', 'maximum size of an upload; default: no limit')
    .option('--root <folder>', 'store the files of the folder in a storage here first, and serve that')
    .option('--follow', 'with --root or --once: follow links in the folder, wherever they lead')
    .option(
      '--once',
      'store the files, fetch every one back by its signed URL, compare the bytes, fetch the page, and end',
    )
    .action((places: string[], options: ServeOptions) => run(context, places, options))
}

async function run(context: CliContext, texts: readonly string[], options: ServeOptions): Promise<void> {
  const serving: Serving = {
    port: wholeNumber('--port', options.port, 0, 65_535),
    host: options.host,
    urlExpire: secondsOf('--expires', options.expires, { most: MAX_URL_SECS }),
    maxUploadBytes:
      options.maxUpload === undefined
        ? Number.POSITIVE_INFINITY
        : wholeNumber('--max-upload', options.maxUpload, 0, Number.MAX_SAFE_INTEGER),
    isWritable: options.writable === true || texts.length === 0,
  }
  const folders = texts.filter(isFolder)
  const isStoring = texts.length === 0 || options.once === true || options.root !== undefined
  if (!isStoring) return servePlaces(context, texts, serving)
  if (texts.length > 1 || folders.length < texts.length) {
    throw new UsageError(`serve: ${options.once === true ? '--once' : '--root'} takes one local folder.`)
  }
  const files = await filesToStore(context, folders[0], options)
  if (context.options.dryRun === true) {
    for (const { name, size } of files)
      await context.out.record({ dryRun: true, name, size }, `would store ${printable(name)}`)
    return
  }
  const root = options.root ?? (await mkdtemp(join(tmpdir(), 'holdall-serve-')))
  try {
    await storeAndServe(context, files, root, serving, options.once === true)
  } finally {
    if (options.root === undefined) await rm(root, { recursive: true, force: true })
  }
}

function wholeNumber(option: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isInteger(value) && value >= min && value <= max) return value
  throw new UsageError(`${option}: expected a whole number from ${min} to ${max}, got '${text}'.`)
}

async function filesToStore(
  { skipped }: CliContext,
  dir: string | undefined,
  options: ServeOptions,
): Promise<LocalFile[]> {
  const found: LocalFile[] = []
  if (dir !== undefined) {
    for await (const file of localFiles(dir, skipped, options)) found.push(file)
  } else {
    for (const folder of ['docs', 'examples/media']) {
      const prefix = `${basename(folder)}/`
      for await (const file of localFiles(join(packageRoot(), folder), skipped)) {
        found.push({ ...file, name: prefix + file.name })
      }
    }
  }
  if (found.length === 0) throw new Error(`There is no file to serve in '${dir ?? packageRoot()}'.`)
  return found
}

interface Serving {
  readonly port: number
  readonly host: string
  readonly urlExpire: number
  readonly maxUploadBytes: number
  readonly isWritable: boolean
}

/** A listening server, and the values that its URLs are made with. */
interface Site {
  readonly server: Server
  readonly origin: string
  readonly port: number
  readonly urlSecret: string
  openFolder(location: string, mediaPath: string): Promise<LocalStorage>
}

async function withSite(options: Serving, work: (site: Site) => Promise<void>): Promise<void> {
  const { LocalStorage } = await import('../../backends/local/index.ts')
  const { createServer } = await import('node:http')
  const server = createServer({ requestTimeout: 0 }) // Uploads may take longer than five minutes.
  await listen(server, options.port, options.host)
  const { port } = server.address() as AddressInfo
  const origin = `http://${shownHost(server.address() as AddressInfo)}:${port}`
  const urlSecret = newSecret() + newSecret()
  const opened: LocalStorage[] = []
  const openFolder = async (location: string, mediaPath: string): Promise<LocalStorage> => {
    const own = { location, baseUrl: origin + mediaPath, urlSecret, urlExpire: options.urlExpire }
    const storage = new LocalStorage(own, { settings: {}, env: {} })
    opened.push(storage)
    return storage
  }
  try {
    await work({ server, origin, port, urlSecret, openFolder })
  } finally {
    server.closeAllConnections()
    server.close()
    for (const storage of opened) await storage.close()
  }
}

async function listen(server: Server, port: number, host: string): Promise<void> {
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (error) {
    throw new Error(`serve: cannot listen on ${host}, port ${port}: ${(error as Error).message}`, { cause: error })
  }
}

/** Returns the host of URLs: for a server that listens on every address, one that other machines can reach. */
function shownHost({ address, family }: AddressInfo): string {
  if (address !== '0.0.0.0' && address !== '::') return family === 'IPv6' ? `[${address}]` : address
  const all = Object.values(networkInterfaces()).flatMap(found => found ?? [])
  return all.find(each => each.family === 'IPv4' && !each.internal)?.address ?? '127.0.0.1'
}

async function servePlaces(context: CliContext, texts: readonly string[], options: Serving): Promise<void> {
  if (context.options.dryRun === true) {
    for (const place of texts) await context.out.record({ dryRun: true, place }, `would serve ${printable(place)}`)
    return
  }
  await withSite(options, async site => {
    const places = await servedPlaces(context, texts, site.openFolder)
    const url = await start(context, site, places, options)
    await showUntilStopped(context, url, places, options, places.map(({ label }) => label).join(', '))
  })
}

/** Starts the server; returns the URL of the page. */
async function start(
  { out }: CliContext,
  site: Site,
  places: readonly ServedPlace[],
  options: Serving,
): Promise<string> {
  const { createFileHandler, toNodeListener } = await import('../../serve/index.ts')
  const { createStorageBrowser } = await import('../../serve/browser/index.ts')
  const token = newSecret()
  const onError = (error: unknown) => out.warn(printable(error instanceof Error ? error.message : String(error)))
  const page = createStorageBrowser(Object.fromEntries(places.map(place => [place.label, place])), {
    title: 'Holdall',
    writable: options.isWritable,
    maxUploadBytes: options.maxUploadBytes,
    linkExpiresInSecs: options.urlExpire,
    linkSecret: site.urlSecret,
    migrations: migrationSources(),
    onError,
  })
  const guarded = guardPage(page, { token, port: site.port, host: options.host })
  const media = places.flatMap(({ storage, mediaPath }) =>
    mediaPath === undefined
      ? []
      : [{ mediaPath, handler: createFileHandler(storage, { basePath: mediaPath, onError }) }],
  )
  const answer = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url)
    // A copied link is authorised by its signature.
    if (pathname === '/-/shared') return page(request)
    return (media.find(({ mediaPath }) => pathname.startsWith(mediaPath))?.handler ?? guarded)(request)
  }
  site.server.on('request', toNodeListener(guardHost(answer, { host: options.host })))
  return `${site.origin}/?token=${token}`
}

async function showUntilStopped(
  { out, signal }: CliContext,
  url: string,
  places: readonly ServedPlace[],
  { isWritable, host }: Serving,
  what: string,
): Promise<void> {
  if (!/^(?:127\.|::1$|localhost$)/.test(host)) {
    out.warn(
      `the page can be reached from other machines, unencrypted: anyone who sees its URL can ${isWritable ? 'change' : 'read'} the files`,
    )
  }
  await out.line(url)
  await out.document({ url, writable: isWritable, storages: places.map(({ label }) => label) })
  out.log(`serving ${printable(what)}${isWritable ? '' : ', read-only (--writable allows changes)'}; Ctrl-C ends`)
  if (!signal.aborted) await once(signal, 'abort')
}

const MEDIA_PATH = '/media/'

async function storeAndServe(
  context: CliContext,
  files: readonly LocalFile[],
  root: string,
  options: Serving,
  isOnce: boolean,
): Promise<void> {
  await withSite(options, async site => {
    const { out } = context
    const storage = await site.openFolder(root, MEDIA_PATH)
    const places = [{ label: 'files', storage, path: '', mediaPath: MEDIA_PATH }]
    const url = await start(context, site, places, options)
    const served = await storeAll(context, storage, files)
    const bytes = served.reduce((sum, { entry }) => sum + entry.size, 0)
    if (isOnce) {
      await checkListed(context, storage, served)
      await checkUrls(context, served, site.urlSecret, site.origin + MEDIA_PATH)
      await checkPage(context, url, 'files', served.length)
      const views = served.map(({ entry, url }) => ({ ...entry, url }))
      const { origin } = site
      await out.document({ files: served.length, bytes, root, origin, compared: true, served: views })
      await out.line(
        `${counted(served.length)}, ${formatSize(bytes)}: stored, listed, fetched back and equal; unsigned, tampered and expired URLs refused (403); page shown.`,
      )
    } else {
      await showUntilStopped(
        context,
        url,
        places,
        options,
        `${counted(served.length)} (${formatSize(bytes)}) of ${root}`,
      )
    }
  })
}

function counted(files: number): string {
  return `${files} ${files === 1 ? 'file' : 'files'}`
}

async function storeAll(context: CliContext, storage: AnyStorage, files: readonly LocalFile[]): Promise<StoredFile[]> {
  const { out, signal } = context
  const total = files.reduce((sum, file) => sum + file.size, 0)
  const progress = new Progress(out, total)
  const served: StoredFile[] = []
  try {
    await forEachParallel(files, { limit: 8, signal }, async source => {
      const onProgress = progress.of(source.name)
      await withContent(source, context.skipped, async content => {
        const name = await storage.save(source.name, content, { signal, onProgress, overwrite: true })
        served.push({ source, entry: await storage.stat(name, { signal }), url: await storage.url(name, { signal }) })
      })
    })
  } finally {
    progress.end()
  }
  return served.sort((a, b) => (a.entry.name < b.entry.name ? -1 : 1))
}
