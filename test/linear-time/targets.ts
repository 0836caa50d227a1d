import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseConnectionString } from '../../src/backends/azure/credentials/connection-string.ts'
import { storedNames, userNames } from '../../src/backends/azure/metadata-names.ts'
import { validAzureName, validPath } from '../../src/backends/azure/names.ts'
import { givenSas } from '../../src/backends/azure/sas.ts'
import { azureSettings } from '../../src/backends/azure/settings.ts'
import { objectPath } from '../../src/backends/gcs/api.ts'
import { parseGiven } from '../../src/backends/gcs/credentials/given.ts'
import { sessionTarget } from '../../src/backends/gcs/endpoint.ts'
import { parseExpiration } from '../../src/backends/gcs/expiration.ts'
import { crc32cIn } from '../../src/backends/gcs/resource.ts'
import { gcsSettings } from '../../src/backends/gcs/settings.ts'
import { LocalStorage } from '../../src/backends/local/index.ts'
import { localSettings } from '../../src/backends/local/settings.ts'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { parseProfileFile } from '../../src/backends/s3/credentials/profile-file.ts'
import { S3Storage } from '../../src/backends/s3/index.ts'
import { s3Settings } from '../../src/backends/s3/settings/settings.ts'
import { printable } from '../../src/cli/output.ts'
import { guessType } from '../../src/core/mime.ts'
import { cleanName, generateFilename, getValidName, safeJoin, validateFileName } from '../../src/core/names.ts'
import { nearest } from '../../src/core/nearest.ts'
import type { Setting } from '../../src/core/settings.ts'
import { strftime } from '../../src/core/strftime.ts'
import { filepathToUri, joinUrl } from '../../src/core/urls.ts'
import { ContentFile } from '../../src/files/content-file.ts'
import { idleTimeOf } from '../../src/http/connections.ts'
import { ProxyTable } from '../../src/http/proxy.ts'
import { batchAnswers } from '../../src/remote/multipart.ts'
import { createFileHandler } from '../../src/serve/index.ts'
import { ofAtmos } from './atmos-targets.ts'
import { ofFields } from './fields-targets.ts'
import { ofFileServers } from './file-server-targets.ts'
import { ofIdentities } from './identity-targets.ts'
import { ofLibcloud } from './libcloud-targets.ts'
import { ofNimbus } from './nimbus-targets.ts'
import { ofStatic } from './static-targets.ts'
import { ofSwift } from './swift-targets.ts'
import { quietly, type Target } from './target.ts'
import { ofUploads } from './uploads-targets.ts'

const NOWHERE = { settings: {}, env: {} }
const NAME = ['../', 'a/', './', '/', '\\', '.', '..', ' ', 'a', '_', '\u0301', '😀', '%', '~']
const HEADER = [
  'bytes=',
  '0',
  '-',
  ',',
  ' ',
  '\t',
  '"',
  'W/',
  '*',
  'x',
  ';',
  '=',
  '/',
  ':',
  'GMT',
  'Mon, ',
  '\\',
  '+',
  '.',
]
const XML = [
  '<a>',
  '</a>',
  '<Contents>',
  '<Key>',
  '</Key>',
  '&amp;',
  '&#',
  '&',
  '<!--',
  '-->',
  '<![CDATA[',
  ']]>',
  '<',
  '>',
  ' b="',
  ' ',
]
const TEXT = ['[', ']', 'profile ', '"', '=', ' ', '#', ';', '\n', '\r', '\u2028', 'a', '\\', "'"]

const core: readonly Target[] = [
  ...Object.entries({ cleanName, validateFileName, getValidName, generateFilename }).map(([title, run]) => ({
    title,
    parts: NAME,
    length: 8000,
    run: (input: string) => run(input),
  })),
  { title: 'safeJoin', parts: NAME, length: 8000, run: input => safeJoin('some/folder', input) },
  { title: 'a name that is too long', parts: NAME, run: input => new MemoryStorage({}, NOWHERE).exists(input) },
  { title: 'guessType', parts: [...NAME, '.gz', '.tgz'], run: guessType },
  { title: 'URLs', parts: NAME, run: input => [filepathToUri(input), joinUrl(input, 'a'), joinUrl('/', input)] },
  { title: 'strftime', parts: ['%', 'Y', '%c', 'x', '%%', '\n'], run: input => strftime(input, new Date(0)) },
  { title: 'nearest', parts: ['a', 'B', '_', ' ', 'region'], run: input => nearest(input, Object.keys(s3Settings)) },
  {
    title: 'settings',
    parts: ['1', '_', '0o', ',', ' ', '{', '[', '"a":', 'a', '-', 'true'],
    length: 20_000,
    run: input => {
      for (const settings of [s3Settings, localSettings, azureSettings, gcsSettings]) {
        for (const setting of Object.values<Setting<unknown>>(settings)) quietly(() => setting.parse(input))
      }
      quietly(() => new S3Storage({ [input]: 1 } as never, NOWHERE))
    },
  },
  {
    title: 'lines of text',
    parts: ['\r', '\n', 'a', '😀'],
    length: 20_000,
    run: async input => {
      await new ContentFile(input).readLines()
      const storage = new MemoryStorage({}, NOWHERE)
      await storage.save('a', input)
      await using file = await storage.open('a', 'r')
      await file.readLines()
    },
  },
]

const storage = new MemoryStorage({ baseUrl: '/' }, NOWHERE)
const handler = createFileHandler(storage)
const local = new LocalStorage(
  { location: '/nowhere', baseUrl: '/', urlSecret: 'a secret of the tests alone' },
  NOWHERE,
)
const signed = createFileHandler(local)
const precompressed = createFileHandler(storage, { precompressed: true })

const served: readonly Target[] = [
  ...['range', 'if-range', 'if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since'].map(header => ({
    title: `served with ${header}`,
    parts: HEADER,
    run: async (input: string) => {
      await storage.save('a.txt', 'text', { overwrite: true })
      const headers = { [header]: input, ...(header === 'if-range' ? { range: 'bytes=0-1' } : {}) }
      await handler(new Request('http://localhost/a.txt', { headers }))
    },
  })),
  ...(['contentType', 'contentDisposition', 'contentEncoding', 'cacheControl'] as const).map(attribute => ({
    title: `served with a stored ${attribute}`,
    parts: [...HEADER, 'text/html', 'é'],
    run: async (input: string) => {
      await storage.save('a.txt', 'text', { overwrite: true, [attribute]: input })
      await handler(new Request('http://localhost/a.txt'))
    },
  })),
  {
    title: 'served with accept-encoding',
    parts: ['gzip', 'x-gzip', 'br', 'identity', '*', ',', ';', 'q=', '0', '1', '.', ' ', '\t', '"', 'é'],
    run: async input => {
      await storage.save('a.css', 'text', { overwrite: true, contentEncoding: 'gzip' })
      await precompressed(new Request('http://localhost/a.css', { headers: { 'accept-encoding': input } }))
    },
  },
  {
    title: 'a served path',
    parts: [...NAME, '%2f', '%'],
    run: input => handler(new Request(`http://localhost/${input}`)),
  },
  {
    title: 'a served path that may have siblings',
    parts: [...NAME, '%2f', '%'],
    run: input => precompressed(new Request(`http://localhost/${input}`, { headers: { 'accept-encoding': 'br' } })),
  },
  {
    title: 'a signed URL',
    parts: ['&', '=', 'a', '%', 'expires=', 'signature=', '+', '9'],
    // Numbered, since a parameter that comes twice is refused at once.
    run: input => {
      const parameters = input.split('&').map((parameter, at) => `${at}${parameter}`)
      return signed(new Request(`http://localhost/a?${parameters.join('&')}`))
    },
  },
]

/** A storage of S3 whose service answers what is wanted. */
const answers: { next: (response: ServerResponse) => void } = { next: response => response.end() }
const service = createServer((request, response) => {
  request.resume()
  answers.next(response)
})
service.listen(0, '127.0.0.1')
service.unref()
await new Promise(done => service.once('listening', done))
const { port } = service.address() as AddressInfo
const s3 = new S3Storage(
  {
    bucketName: 'bucket',
    accessKey: 'key',
    secretKey: 'secret',
    endpointUrl: `http://127.0.0.1:${port}`,
    maxAttempts: 1,
  },
  NOWHERE,
)

/** Ends what the targets opened. */
export async function closeTargets(): Promise<void> {
  await s3.close()
  service.closeAllConnections()
  service.close()
}

const ofServices: readonly Target[] = [
  {
    title: 'a listing of S3',
    parts: XML,
    run: input =>
      asked(
        response => response.end(`<ListBucketResult>${input}</ListBucketResult>`),
        () => s3.listdir(),
      ),
  },
  {
    title: 'names in a listing of S3',
    parts: ['/', '%', '%2F', 'a', '.', '+', '&amp;', '&#13;'],
    run: input => {
      const entry = `<Contents><Key>${input}</Key><Size>${input}</Size><LastModified>${input}</LastModified></Contents>`
      const body = `<ListBucketResult><EncodingType>url</EncodingType>${entry}</ListBucketResult>`
      return asked(
        response => response.end(body),
        () => s3.listdir(),
      )
    },
  },
  {
    title: 'names and dates in a listing of buckets, and the names that are given',
    parts: ['/', '%', 'a', '.', '-', '2020-01-01T00:00:00Z', '&amp;', ' ', 'é'],
    length: 15_000,
    run: async input => {
      const row = `<Bucket><Name>${input}</Name><CreationDate>${input}</CreationDate></Bucket>`
      const body = `<ListAllMyBucketsResult><Buckets>${row}</Buckets></ListAllMyBucketsResult>`
      await asked(
        response => response.end(body),
        () => s3.driver.listContainers(),
      )
      await asked(
        response => response.end(),
        () => s3.driver.getContainer(input),
      )
    },
  },
  {
    title: 'an error of S3',
    parts: XML,
    length: 60_000,
    run: input =>
      asked(
        response => response.writeHead(400).end(`<Error><Code>A</Code><Message>${input}</Message></Error>`),
        () => s3.readText('a'),
      ),
  },
  ...['content-type', 'etag', 'last-modified', 'content-range', 'x-amz-meta-a', 'x-amz-request-id', 'retry-after'].map(
    name => ({
      title: `${name} of S3`,
      parts: [...HEADER, '=?utf-8?q?', '=?utf-8?b?', '?='],
      length: 15_000,
      run: async (input: string) => {
        const value = { [name]: input.trim() }
        await asked(
          response => response.writeHead(200, { ...value, 'content-length': 1 }).end(),
          () => s3.stat('a'),
        )
        await asked(
          response => response.writeHead(206, value).end('a'),
          () => s3.readBytes('a', { start: 0, end: 1 }),
        )
        await asked(
          response => response.writeHead(503, value).end(),
          () => s3.exists('a'),
        )
      },
    }),
  ),
  { title: 'keep-alive of an answer', parts: ['timeout', '=', '5', ',', ' ', '\t', 'max'], run: idleTimeOf },
]

async function asked(answer: (response: ServerResponse) => void, call: () => Promise<unknown>): Promise<void> {
  answers.next = answer
  await call().catch(() => undefined)
}

const ofUsers: readonly Target[] = [
  {
    title: 'a profile file',
    parts: TEXT,
    run: input => [parseProfileFile(input, true), parseProfileFile(input, false)],
  },
  {
    title: 'a connection string',
    parts: [
      'AccountName=',
      'AccountKey=',
      'BlobEndpoint=http://',
      'EndpointSuffix=',
      ';',
      '=',
      'a',
      '.',
      '-',
      ' ',
      '/',
      '%',
    ],
    run: input => {
      quietly(() => parseConnectionString(input))
      quietly(() => parseConnectionString(`AccountName=${input}`))
      quietly(() => givenSas(`sv=a&${input}`, 'sasToken'))
    },
  },
  {
    title: 'durations, names, hashes and addresses of Google Cloud Storage',
    parts: [
      '1',
      'd',
      ' ',
      'day, ',
      ':00',
      'p',
      't',
      '{',
      'crc32c=',
      'AAAAAA==',
      ',',
      '/',
      '..',
      '?upload_id=',
      'http://',
      '%',
    ],
    run(input) {
      quietly(() => parseExpiration(input))
      quietly(() => parseGiven(input))
      quietly(() => objectPath('bkt', input))
      quietly(() => crc32cIn({ 'x-goog-hash': input }))
      quietly(() => sessionTarget(input, { scheme: 'https', host: 'a.example', hostName: 'a.example', path: '/b' }))
    },
  },
  {
    title: 'names and batches of Azure',
    length: 40_000,
    parts: [
      '--b',
      '\r\n',
      '\n',
      ':',
      ' ',
      'HTTP/1.1 202',
      'content-id',
      '0',
      '.',
      '/',
      '../',
      '_x2d_',
      '_',
      '-',
      ';',
      '"',
      'boundary=',
    ],
    run: input => {
      quietly(() => batchAnswers('multipart/mixed; boundary=b', `--b\r\n${input}\r\n--b--`))
      quietly(() => batchAnswers(`multipart/mixed; ${input}`, ''))
      quietly(() => validPath(input))
      quietly(() => validAzureName(input.slice(0, 8000)))
      userNames(storedNames({ [input]: '' }))
    },
  },
  {
    title: 'variables of proxies',
    parts: ['.', ',', ' ', 'a', '*', ':', '1', '@', '/', 'http://', '[', ']', '10.0.0.0/8'],
    run: input => {
      quietly(() => new ProxyTable(null, { http_proxy: 'proxy.test', no_proxy: input }).select('http', '10.0.0.1', 80))
      quietly(() => new ProxyTable(null, { http_proxy: input }))
      quietly(() => new ProxyTable(null, { https_proxy: `http://${input}` }))
    },
  },
  { title: 'names on the terminal', parts: [...NAME, '\u001b[31m', '\u202e', '\n'], run: printable },
]

/** All of them; a backend adds its own. */
export const targets: readonly Target[] = [
  ...core,
  ...served,
  ...ofServices,
  ...ofAtmos,
  ...ofLibcloud,
  ...ofNimbus,
  ...ofFileServers,
  ...ofIdentities,
  ...ofSwift,
  ...ofUploads,
  ...ofFields,
  ...ofStatic,
  ...ofUsers,
]
