import { UrlSigner } from '../backends/local/signed-urls.ts'
import { nodeCrypto } from '../core/builtin.ts'
import { asContent } from '../core/content.ts'
import { forEachParallel } from '../core/parallel.ts'
import type { AnyStorage } from '../storage/storage.ts'
import type { Entry, OnProgress } from '../storage/types.ts'
import type { CliContext } from './context.ts'
import { withContent } from './local-content.ts'
import type { LocalFile, Skipped } from './local-files.ts'
import { Progress } from './progress.ts'

/** A stored file, and its source on this machine. */
export interface StoredFile {
  readonly source: LocalFile
  readonly entry: Entry
  readonly url: string
}

/** Compares the stored files with the listing of the storage. */
export async function checkListed(
  { signal }: CliContext,
  storage: AnyStorage,
  served: readonly StoredFile[],
): Promise<void> {
  const missing = new Set(served.map(({ entry }) => entry.name))
  for await (const entry of storage.entries('', { recursive: true, signal })) missing.delete(entry.name)
  if (missing.size > 0) throw new Error(`The listing lacks ${[...missing].join(', ')}.`)
}

/**
 * Fetches every URL and compares the bytes; also checks that it is rejected without its signature, with another one, and after its expiry.
 */
export async function checkUrls(
  { out, signal, skipped }: CliContext,
  served: readonly StoredFile[],
  secret: string,
  baseUrl: string,
): Promise<void> {
  const signer = new UrlSigner(secret, baseUrl)
  const bytes = served.reduce((sum, { entry }) => sum + entry.size, 0)
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
        await expectRefused(`${entry.name}: its ${kind} URL`, address, signal)
      }
    })
  } finally {
    progress.end()
  }
}

/** Opens the page like a browser, fetches its files and lists its folders; also checks that it is rejected without its token. */
export async function checkPage({ signal }: CliContext, pageUrl: string, label: string, files: number): Promise<void> {
  const address = new URL(pageUrl)
  await expectRefused('The page without its token', new URL('/', address), signal)
  await expectRefused('The list without the cookie', new URL('/-/storages', address), signal)
  const admitted = await fetch(address, { signal, redirect: 'manual' })
  const cookie = admitted.headers.get('set-cookie')?.split(';', 1)[0] ?? ''
  const get = async (path: string): Promise<Response> => {
    const answer = await fetch(new URL(path, address), { signal, headers: { cookie } })
    if (answer.status !== 200) throw new Error(`${path} of the page was answered with ${answer.status}.`)
    return answer
  }
  const html = await (await get('/')).text()
  for (const [, path] of html.matchAll(/(?:src|href)="(-\/[^"]+)"/g)) await (await get(`/${path}`)).body?.cancel()
  let count = 0
  const folders = ['']
  for (let path = folders.pop(); path !== undefined; path = folders.pop()) {
    let token: string | undefined
    do {
      const query = new URLSearchParams({ storage: label, path, ...(token === undefined ? {} : { token }) })
      const page = (await (await get(`/-/list?${query}`)).json()) as ListedPage
      for (const { kind, path } of page.entries) {
        if (kind === 'folder') folders.push(path)
        else count++
      }
      token = page.next
    } while (token !== undefined)
  }
  if (count !== files) throw new Error(`The page lists ${count} files, and ${files} were stored.`)
}

interface ListedPage {
  readonly entries: readonly { readonly kind: string; readonly path: string }[]
  readonly next?: string
}

async function expectRefused(what: string, address: URL, signal: AbortSignal): Promise<void> {
  const { status, body } = await fetch(address, { signal })
  await body?.cancel()
  if (status !== 403) throw new Error(`${what} was answered with ${status}, not 403.`)
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
  if (!expected.digest().equals(fetched.digest())) throw new Error(`${url} returned other bytes than were stored.`)
}
