import type { CallContext } from '../../core/call.ts'
import type { ListedFile, Page, PageRequest } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { compareKeys } from '../../core/key-order.ts'
import { textOf } from '../../remote/answers.ts'
import { dateOf } from '../../remote/headers.ts'
import { encodeComponent } from '../../remote/sign/encode.ts'
import type { NimbusClient, NimbusRequest } from './client.ts'

/** Default number of keys per request. */
const PAGE = 1000
/** Maximum number of keys per request. */
const MAX_PAGE = 256_000
/** Factor for the next request if one returned nothing. */
const WIDER = 4

/** The place and the kind of a listing. */
interface Question {
  readonly path: string
  /** The parameters before `max_keys`. */
  readonly first?: NimbusRequest['query']
  readonly prefix: string
  readonly marker?: string | undefined
}

/** The answer to one request. */
interface Answer {
  /** In the service's order; rows that cannot be parsed are left out. */
  readonly files: readonly ListedFile[]
  readonly isLast: boolean
}

/** Listings of one collection: of keys, and of the versions of a key. Listings contain no sizes: they are NaN. */
export class Listing {
  readonly #client: NimbusClient
  readonly #collection: string
  /** Whether the server decodes values twice; undefined until a marker makes a difference. */
  #decodesTwice: boolean | undefined

  constructor(client: NimbusClient, collection: string) {
    this.#client = client
    this.#collection = collection
  }

  /**
   * One page of the keys below a prefix. With a delimiter the service returns only folders, so folders are computed from the keys here. The
   * order is that of the service's database.
   */
  async page(prefix: string, { recursive, token, limit }: PageRequest, ctx: CallContext): Promise<Page> {
    const { files, isLast } = await this.#beyond(prefix, token, limit ?? PAGE, ctx)
    if (!isLast && token !== undefined && files.some(({ key }) => key === token))
      throw notOn('the service returned the same marker again')
    const below = files.filter(({ key }) => key.startsWith(prefix) && key !== prefix)
    const next = isLast ? undefined : files.at(-1)?.key
    if (recursive) return { files: below.filter(({ key }) => !key.endsWith('/')), directories: [], next }
    const here = below.filter(({ key }) => !key.includes('/', prefix.length))
    const directories = await this.#folders(prefix, below, token, ctx)
    return { files: here, directories, next }
  }

  /** Whether there is no key. */
  async isEmpty(ctx: CallContext): Promise<boolean> {
    const { files } = await this.#beyond('', undefined, 1, ctx)
    return files.length === 0
  }

  /** All versions of a key, in the service's order. */
  async versions(key: string, ctx: CallContext): Promise<ListedFile[]> {
    const { files } = await this.#wide(
      { path: '/', first: [['versions']], prefix: askedPrefix(key) },
      PAGE,
      // The versions of one key cannot be listed in pages; they are complete when another key follows.
      ({ files: found, isLast }) => isLast || found.some(file => compareKeys(file.key, key) > 0),
      ctx,
    )
    return files.filter(file => file.key === key)
  }

  /** The folders of the keys of a page, each on the page that has its first key. */
  async #folders(
    prefix: string,
    files: readonly ListedFile[],
    token: string | undefined,
    ctx: CallContext,
  ): Promise<string[]> {
    const first = new Map<string, string>()
    for (const { key } of files) {
      const end = key.indexOf('/', prefix.length)
      const folder = key.slice(0, end)
      if (end > 0 && folder.length > 0 && !first.has(folder)) first.set(folder, key)
    }
    if (token === undefined) return [...first.keys()]
    const isSorted = files.every(({ key }, at) => compareKeys(at === 0 ? token : files[at - 1]!.key, key) < 0)
    const found: string[] = []
    for (const [folder, key] of first) {
      // In byte order the keys of a folder are adjacent. In any other order, a request finds the folder's first key.
      const isNew = isSorted ? !token.startsWith(`${folder}/`) : await this.#isFirst(`${folder}/`, key, ctx)
      if (isNew) found.push(folder)
    }
    return found
  }

  /** Whether a key is the first one of its folder. The request may cover more than the folder. */
  async #isFirst(folder: string, key: string, ctx: CallContext): Promise<boolean> {
    const limit = askedPrefix(folder) === folder ? 1 : PAGE
    const before = new Set<string | undefined>()
    for (let marker: string | undefined; !before.has(marker); ) {
      before.add(marker)
      const { files, isLast } = await this.#beyond(folder, marker, limit, ctx)
      const first = files.find(file => file.key.startsWith(folder))
      if (first !== undefined) return first.key === key
      if (isLast) return true
      marker = files.at(-1)?.key
      ctx.progress()
    }
    throw notOn('the service returned the same marker again')
  }

  /**
   * The keys after a marker. A page may contain only deleted keys. Then a larger page is requested, since only a key can be the next
   * marker.
   */
  async #beyond(prefix: string, marker: string | undefined, limit: number, ctx: CallContext): Promise<Answer> {
    const isUseful = ({ files, isLast }: Answer): boolean => isLast || files.length > 0
    const sent = marker === undefined ? undefined : await this.#markerFor(marker, ctx)
    return this.#wide({ path: '/data/', prefix: askedPrefix(prefix), marker: sent }, limit, isUseful, ctx)
  }

  /**
   * A marker in the form that the service understands. If decoding it once more would change it, it is tested: as a prefix it must find its
   * own key.
   */
  async #markerFor(marker: string, ctx: CallContext): Promise<string> {
    if (!/[%+]/.test(marker)) return marker
    const again = encodeComponent(marker)
    if (this.#decodesTwice === undefined) {
      const finds = async (prefix: string): Promise<boolean> => {
        const question = { path: '/data/', prefix }
        const { files } = await ctx.step('listKeys', true, step => this.#ask(question, PAGE, step))
        return files.some(({ key }) => key.startsWith(marker))
      }
      if (await finds(again)) this.#decodesTwice = true
      else if (await finds(marker)) this.#decodesTwice = false
    }
    return this.#decodesTwice === true ? again : marker
  }

  async #wide(
    question: Question,
    limit: number,
    isUseful: (answer: Answer) => boolean,
    ctx: CallContext,
  ): Promise<Answer> {
    for (let count = limit; count <= MAX_PAGE; count *= WIDER) {
      const answer = await ctx.step('listKeys', true, step => this.#ask(question, count, step))
      if (isUseful(answer)) return answer
      ctx.progress()
    }
    throw notOn(`${MAX_PAGE} entries of the service's own bring no file`)
  }

  async #ask({ path, first = [], prefix, marker }: Question, count: number, ctx: CallContext): Promise<Answer> {
    const query = [
      ...first,
      ['max_keys', String(count)] as const,
      ...(prefix === '' ? [] : [['prefix', prefix] as const]),
      ...(marker === undefined ? [] : [['marker', marker] as const]),
    ]
    const expected = { statuses: [200], fields: ['truncated'], lists: ['key_data'] }
    const request = { method: 'GET', collection: this.#collection, path, query, expected } as const
    const answer = await this.#client.json<{ key_data: readonly unknown[]; truncated: unknown }>(request, ctx)
    const files = answer.key_data.map(fileOf).filter(file => file !== undefined)
    const { truncated } = answer
    if (typeof truncated === 'boolean') return { files, isLast: !truncated }
    throw notOn('the service does not report whether there are more keys')
  }
}

/**
 * The part of a prefix that can be sent: servers decode it once or twice, and their database interprets `%`, `_` and a backslash as
 * patterns. Additional keys of the shorter prefix are left out here, and servers accept a marker below it.
 */
export function askedPrefix(prefix: string): string {
  return /^[^%+_\\]*/.exec(prefix)![0]
}

function notOn(why: string): StorageError {
  const details = { retryable: false, outcome: 'not_applied' } as const
  return new StorageError('unavailable', `The listing cannot continue: ${why}.`, details)
}

/** A row of `key_data`; undefined if it has no key. */
function fileOf(row: unknown): ListedFile | undefined {
  if (typeof row !== 'object' || row === null) return undefined
  const { key, timestamp, version_identifier: version } = row as Readonly<Record<string, unknown>>
  const name = textOf(key)
  if (name === undefined) return undefined
  const versionId = typeof version === 'number' ? String(version) : textOf(version)
  return { key: name, size: Number.NaN, modifiedAt: dateOf(textOf(timestamp)), versionId }
}
