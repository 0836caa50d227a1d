import { once } from 'node:events'
import { statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { Command } from 'commander'
import { MAX_URL_SECS, UrlSigner } from '../../backends/local/signed-urls.ts'
import { nodeCrypto } from '../../core/builtin.ts'
import { asContent } from '../../core/content.ts'
import { guessType } from '../../core/mime.ts'
import { forEachParallel } from '../../core/parallel.ts'
import type { AnyStorage } from '../../storage/storage.ts'
import type { Entry, OnProgress } from '../../storage/types.ts'
import { type CliContext, UsageError } from '../context.ts'
import { withContent } from '../local-content.ts'
import { type LocalFile, type LocalFilesOptions, localFiles, type Skipped } from '../local-files.ts'
import { secondsOf } from '../options.ts'
import { formatSize, formatTime, printable, table } from '../output.ts'
import { packageRoot } from '../package-root.ts'
import { Progress } from '../progress.ts'

interface ServeOptions {
  readonly root?: string
  readonly port: string
  readonly host: string
  readonly expires: string
  readonly once?: boolean
  readonly follow?: boolean
}

/** A file that was stored, with the one of this machine that it came from. */
interface Served {
  readonly source: LocalFile
  readonly entry: Entry
  readonly url: string
}

/** `holdall serve`: stores the files of a folder in a local storage and serves them with signed URLs. */
export function serve(program: Command, context: CliContext): void {
  program
    .command('serve')
    .description("store a folder's files in a local storage and serve them with signed URLs")
    .argument('[dir]', "folder with files; this package's own docs and example media when left out")
    .option('--root <folder>', 'folder of the storage, which stays; a temporary one when left out')
    .option('--port <n>', 'port; 0 takes a free one', '0')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--expires <duration>', 'life of the signed URLs: seconds, or 90s, 10m, 1h, 7d', '1h')
    .option('--follow', 'follow links in the folder, wherever they lead')
    .option('--once', 'fetch every URL back, compare the bytes, and end')
    .action((dir: string | undefined, options: ServeOptions) => run(context, dir, options))
}

async function run(context: CliContext, dir: string | undefined, options: ServeOptions): Promise<void> {
  const port = wholeNumber('--port', options.port, 0, 65_535)
  const urlExpire = secondsOf('--expires', options.expires, { most: MAX_URL_SECS })
  const files = await filesToStore(context, dir, options)
  if (context.options.dryRun === true) {
    for (const { name, size } of files)
      await context.out.record({ dryRun: true, name, size }, `would store ${printable(name)}`)
    return
  }
  const root = options.root ?? (await mkdtemp(join(tmpdir(), 'holdall-serve-')))
  try {
    await storeAndServe(context, files, root, { ...options, port, urlExpire })
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
  options: LocalFilesOptions,
): Promise<LocalFile[]> {
  const found: LocalFile[] = []
  if (dir !== undefined) {
    if (statSync(dir, { throwIfNoEntry: false })?.isFile()) throw new UsageError(`serve: '${dir}' is not a folder.`)
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
  readonly once?: boolean
}

async function storeAndServe(
  context: CliContext,
  files: readonly LocalFile[],
  root: string,
  options: Serving,
): Promise<void> {
  const { LocalStorage } = await import('../../backends/local/index.ts')
  const { createFileHandler, toNodeListener } = await import('../../serve/index.ts')
  const { out, signal } = context
  const { createServer } = await import('node:http')
  const server = createServer()
  await listen(server, options.port, options.host)
  const { address, family, port } = server.address() as AddressInfo
  const origin = `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
  const baseUrl = `${origin}/media/`
  const urlSecret = nodeCrypto().randomBytes(32).toString('base64url')
  await using storage = new LocalStorage(
    {
      location: root,
      baseUrl,
      urlSecret,
      urlExpire: options.urlExpire,
      fileOverwrite: true,
    },
    { settings: {}, env: {} },
  )
  const onError = (error: unknown) => out.warn(printable(error instanceof Error ? error.message : String(error)))
  server.on('request', toNodeListener(createFileHandler(storage, { basePath: '/media/', onError })))
  try {
    const served = await storeAll(context, storage, files)
    await showServed(context, served)
    const bytes = served.reduce((sum, { entry }) => sum + entry.size, 0)
    const stored = { files: served.length, bytes, root, origin }
    if (options.once === true) {
      await checkListed(context, storage, served)
      await checkAll(context, served, bytes, new UrlSigner(urlSecret, baseUrl))
      await out.document({ ...stored, compared: true, served: served.map(publicView) })
      await out.line(
        `${counted(served.length)}, ${formatSize(bytes)}: stored, listed, fetched back and equal; unsigned, tampered and expired URLs refused (403).`,
      )
    } else {
      await out.document({ ...stored, served: served.map(publicView) })
      out.log(`serving ${counted(served.length)} (${formatSize(bytes)}) of ${root} at ${origin}; Ctrl-C ends`)
      if (!signal.aborted) await once(signal, 'abort')
    }
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

function counted(files: number): string {
  return `${files} ${files === 1 ? 'file' : 'files'}`
}

async function listen(server: Server, port: number, host: string): Promise<void> {
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (error) {
    throw new Error(`serve: cannot listen on ${host}, port ${port}: ${(error as Error).message}`, { cause: error })
  }
}

async function storeAll(context: CliContext, storage: AnyStorage, files: readonly LocalFile[]): Promise<Served[]> {
  const { out, signal } = context
  const total = files.reduce((sum, file) => sum + file.size, 0)
  const progress = new Progress(out, total)
  const served: Served[] = []
  try {
    await forEachParallel(files, { limit: 8, signal }, async source => {
      const onProgress = progress.of(source.name)
      await withContent(source, context.skipped, async content => {
        const name = await storage.save(source.name, content, { signal, onProgress })
        served.push({ source, entry: await storage.stat(name, { signal }), url: await storage.url(name, { signal }) })
      })
    })
  } finally {
    progress.end()
  }
  return served.sort((a, b) => (a.entry.name < b.entry.name ? -1 : 1))
}

async function showServed({ out }: CliContext, served: readonly Served[]): Promise<void> {
  const rows = served.map(({ entry, url }) => [
    printable(entry.name),
    formatSize(entry.size),
    entry.contentType ?? guessType(entry.name).contentType ?? 'application/octet-stream',
    formatTime(entry.modifiedAt),
    url,
  ])
  await out.line(table(['name', 'size', 'type', 'modified', 'url'], rows, ['size']))
}

function publicView({ entry, url }: Served): Record<string, unknown> {
  return { ...entry, url }
}

async function checkListed({ signal }: CliContext, storage: AnyStorage, served: readonly Served[]): Promise<void> {
  const missing = new Set(served.map(({ entry }) => entry.name))
  for await (const entry of storage.entries('', { recursive: true, signal })) missing.delete(entry.name)
  if (missing.size > 0) throw new Error(`The listing lacks ${[...missing].join(', ')}.`)
}

/** Fetches every URL back and compares; also that it is refused without its signature, with another one, and after its time. */
async function checkAll(
  { out, signal, skipped }: CliContext,
  served: readonly Served[],
  bytes: number,
  signer: UrlSigner,
): Promise<void> {
  const progress = new Progress(out, bytes)
  try {
    await forEachParallel(served, { limit: 8 }, async ({ source, entry, url }) => {
      await compare(source, url, skipped, progress.of(entry.name), signal)
      const refused = { tampered: new URL(url), unsigned: new URL(url), expired: new URL(url) }
      const signature = refused.tampered.searchParams.get('signature') ?? ''
      refused.tampered.searchParams.set('signature', (signature.startsWith('A') ? 'B' : 'A') + signature.slice(1))
      refused.unsigned.search = ''
      refused.expired.search = signer.sign(entry.name, { method: 'GET', expiresInSecs: 1 }, Date.now() - 2000)
      for (const [kind, address] of Object.entries(refused)) {
        const { status, body } = await fetch(address, { signal })
        await body?.cancel()
        if (status !== 403) throw new Error(`${entry.name}: its ${kind} URL was answered with ${status}, not 403.`)
      }
    })
  } finally {
    progress.end()
  }
}

async function compare(
  source: LocalFile,
  url: string,
  skipped: Skipped,
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<void> {
  const response = await fetch(url, { signal })
  if (response.status !== 200) throw new Error(`${url} was answered with ${response.status}.`)
  const { createHash } = nodeCrypto()
  const [expected, fetched] = [createHash('sha256'), createHash('sha256')]
  let size = 0
  await withContent(source, skipped, async content => {
    for await (const chunk of content[asContent]().open()) expected.update(chunk as Uint8Array)
  })
  for await (const chunk of response.body ?? []) {
    fetched.update(chunk as Uint8Array)
    onProgress({ loaded: (size += chunk.byteLength), total: undefined })
  }
  if (!expected.digest().equals(fetched.digest())) throw new Error(`${url} gave other bytes than were stored.`)
}
