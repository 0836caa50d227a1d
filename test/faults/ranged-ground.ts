/** A service that answers reads of a file `a` by a script, for what every backend must do with its answers. */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { expect } from 'vitest'
import type { Storage } from '../../src/storage/storage.ts'
import { scriptedServer } from '../support/scripted.ts'

/** How a backend's service answers reads, and what it is asked. */
export interface RangedGround {
  readonly backend: string
  /** What tells one state of a file from another there, for titles: an etag, a generation ... */
  readonly version: string
  /** A storage for the service at a URL; tries nothing again. */
  storage(url: string): Storage
  /** Headers of every answer about a file: the version where it is told, and what else is said of these bytes. */
  told(version: string | undefined, bytes: string | Buffer): Readonly<Record<string, string>>
  /** The document that answers a request which looks at a file instead of reading it, where one does. */
  described?(request: IncomingMessage, version: string, bytes: Buffer): unknown
  /** The version that a request is tied to, as `told` was given it. */
  tied(headers: IncomingHttpHeaders): string | undefined
  /** The method of a read; default GET. */
  readonly method?: string
  /** Headers of every answer, without version as well. */
  readonly always?: Readonly<Record<string, string>>
  /** Code, and number of requests, where a body that broke goes on in answers without a version. */
  readonly withoutVersion: readonly [code: string, requests: number]
  /** Requests for a body that breaks each time, where no answer tells a version; default 1. More where size and time are all by which versions are told apart. */
  readonly unversionedRequests?: number
}

export const TEXT: string = Array.from({ length: 100_000 }, (_, at) => String(at).padStart(5, '0')).join('')

/** How an answer to a read of the text is made; `from` is where its range begins. */
export type RangedAnswer = (request: IncomingMessage, response: ServerResponse, from: number, count: number) => void

/** What was asked, with the version that it was tied to. */
interface Asked {
  readonly method: string
  readonly range: string | undefined
  readonly tied: string | undefined
}

interface Reading<T> {
  readonly result: T
  readonly asked: readonly Asked[]
  readonly connections: number
}

/** Reads from a service that answers so, with the requests that it took. */
export async function readingFrom<T>(
  ground: RangedGround,
  answer: RangedAnswer,
  work: (files: Storage) => Promise<T>,
): Promise<Reading<T>> {
  await using server = await scriptedServer((request, response, count) => {
    for (const [name, value] of Object.entries(ground.always ?? {})) response.setHeader(name, value)
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
    answer(request, response, from, count)
  })
  await using files = ground.storage(server.url)
  const result = await work(files)
  const asked = server.asked.map(({ method, headers }) => ({
    method,
    range: headers.range,
    tied: ground.tied(headers),
  }))
  return { result, asked, connections: new Set(server.ports).size }
}

/** The version of the text in answers that tell it, and that of another text. */
export const VERSION = '7'
export const OTHER_VERSION = '8'

/** Headers of an answer with the text from a place on. */
export function headersOf(
  ground: RangedGround,
  from: number,
  options: { readonly version?: string | undefined; readonly isPart?: boolean } = {},
): Record<string, string | number> {
  const { isPart = from > 0 } = options
  return {
    ...ground.told('version' in options ? options.version : VERSION, TEXT),
    'content-length': TEXT.length - from,
    ...(isPart ? { 'content-range': `bytes ${from}-${TEXT.length - 1}/${TEXT.length}` } : {}),
  }
}

/** All ways to read a part of the text. */
export const ways: Readonly<Record<string, (files: Storage, start: number, end: number) => Promise<string>>> = {
  readText: (files, start, end) => files.readText('a', { start, end }),
  createReadStream: async (files, start, end) => String(await buffer(files.createReadStream('a', { start, end }))),
  'a file': (files, start, end) =>
    files.edit('a', 'r', async file => {
      await file.seek(start)
      return file.read(end - start)
    }),
}

/** A body that breaks after an answer with these headers is an error at once: nothing says that what would follow is of the same file. */
export async function expectNotContinued(
  ground: RangedGround,
  headers: Readonly<Record<string, string | number>>,
): Promise<void> {
  const { result, asked } = await readingFrom(
    ground,
    (_request, response) => {
      response.setHeader('last-modified', 'Wed, 01 Jan 2020 00:00:00 GMT')
      response.writeHead(200, headers).write(TEXT.slice(0, 100), () => response.destroy())
    },
    files => files.readText('a').catch(error => error),
  )
  expect(result).toMatchObject({ code: 'unavailable' })
  expect(asked).toHaveLength(ground.unversionedRequests ?? 1)
}

/** The ground of a service whose versions are etags. */
export function etagGround(ground: Omit<RangedGround, 'version' | 'told' | 'tied'>): RangedGround {
  return {
    ...ground,
    version: 'etag',
    told: version => (version === undefined ? {} : { etag: `"${version}"` }),
    tied: headers => /^"(.*)"$/.exec(headers['if-match'] ?? '')?.[1] ?? headers['if-match'],
  }
}
