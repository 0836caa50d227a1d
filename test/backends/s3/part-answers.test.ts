/** Answers to the requests of an upload that have status 200 and are no answers. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { MemoryStorage } from '../../../src/backends/memory/index.ts'
import { S3Storage } from '../../../src/backends/s3/index.ts'
import type { S3Options } from '../../../src/backends/s3/settings/settings.ts'
import { StorageError } from '../../../src/core/errors.ts'
import type { Input } from '../../../src/core/settings.ts'
import { distinctBytes } from '../../faults/ground.ts'
import { serve } from '../../http/support.ts'
import { startStrictS3 } from '../../servers/strict-s3.ts'
import { type Scripted, scripted, storageOf } from './scripted.ts'

const PART = 5 * 1024 * 1024
const large = Buffer.alloc(PART + 1000, 7)
const conditions = { conditionalWrites: 'off', multipartThreshold: PART, partSize: PART } as const

/** The requests of an upload. */
type Step = 'create' | 'part' | 'complete' | 'parts' | 'uploads' | 'abort' | 'head' | 'copy' | 'put' | 'other'

function stepOf({ method = '', url = '', headers }: IncomingMessage): Step {
  const isCopy = headers['x-amz-copy-source'] !== undefined
  if (method === 'POST') return url.includes('?uploads') ? 'create' : 'complete'
  if (method === 'PUT') return url.includes('partNumber') ? 'part' : isCopy ? 'copy' : 'put'
  if (method === 'DELETE') return 'abort'
  if (method === 'HEAD') return 'head'
  return url.includes('?uploads') ? 'uploads' : url.includes('uploadId') ? 'parts' : 'other'
}

interface Answer {
  readonly status?: number
  readonly headers?: Record<string, string>
  readonly body?: string
}

const GONE: Answer = { status: 404, body: '<Error><Code>NoSuchUpload</Code></Error>' }
const RIGHT: Record<Step, Answer> = {
  create: { body: '<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>' },
  part: { headers: { etag: '"e"' } },
  complete: { body: '<CompleteMultipartUploadResult><ETag>"e-2"</ETag></CompleteMultipartUploadResult>' },
  parts: { body: '<ListPartsResult/>' },
  uploads: { body: '<ListMultipartUploadsResult/>' },
  abort: { status: 204 },
  head: { status: 404 },
  copy: { body: '<CopyObjectResult><ETag>"e"</ETag></CopyObjectResult>' },
  put: { headers: { etag: '"e"' } },
  other: { status: 404 },
}

type Answers = Partial<Record<Step, Answer>>

/** A service that answers as given, else rightly, and an upload as gone once it was aborted. */
async function serviceWith(answers: Answers): Promise<Scripted & { readonly steps: Step[] }> {
  const steps: Step[] = []
  const server = await scripted((request, response: ServerResponse) => {
    const step = stepOf(request)
    const isGone = step === 'parts' && steps.includes('abort')
    steps.push(step)
    const { status = 200, headers = {}, body = '' } = isGone ? GONE : (answers[step] ?? RIGHT[step])
    response.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers }).end(body)
  })
  return Object.assign(server, { steps })
}

async function saved(
  answers: Answers,
  options: Input<S3Options> = {},
  overwrite = true,
): Promise<{ steps: Step[]; error: unknown }> {
  const server = await serviceWith(answers)
  try {
    await using files = storageOf({ ...server.options, ...conditions, ...options })
    const error = await files.save('big', large, { overwrite }).then(
      name => name,
      (reason: unknown) => reason,
    )
    return { steps: [...server.steps], error }
  } finally {
    await server[Symbol.asyncDispose]()
  }
}

const HTML = '<html><body>Please log in</body></html>'
const WRONG = [
  ['nothing', ''],
  ['an HTML page', HTML],
  ['text', 'OK'],
  ['another document', '<ListBucketResult/>'],
  ['an error', '<Error><Code>InternalError</Code></Error>'],
] as const

// Where an upload may have been created, its search waits for two seconds.
describe.concurrent('a success that is none', () => {
  test.each([...WRONG, ['an empty id', RIGHT.create.body!.replace('>u<', '><')]] as const)(
    'to the creation of an upload, %s, sends no part',
    async (_what, body) => {
      const { steps, error } = await saved({ create: { body } })
      expect(error).toMatchObject({ name: 'StorageError', code: 'unavailable' })
      expect(steps).not.toContain('part')
    },
  )

  test.each([
    ['no ETag', {}],
    ['an empty one', { etag: '' }],
  ])('to a part, %s, completes nothing and leaves nothing', async (_what, headers) => {
    const { steps, error } = await saved({ part: { headers } })
    expect(error).toMatchObject({ code: 'unavailable', message: expect.stringContaining('ETag') })
    expect(steps).not.toContain('complete')
    expect(steps).toContain('abort')
  })

  test.each(WRONG)('to the completion, %s, is checked: the upload is still open', async (_what, body) => {
    const { steps, error } = await saved({ complete: { body } })
    expect(error).toMatchObject({ name: 'StorageError', code: 'unavailable', outcome: 'unknown' })
    expect(steps.slice(steps.indexOf('complete'))).toEqual(['complete', 'parts', 'abort', 'parts'])
  })

  test.each(WRONG)('to the completion, %s, is none when the object is there', async (_what, body) => {
    const head = { headers: { etag: '"other-2"', 'content-length': String(large.length) } }
    const { error } = await saved({ complete: { body }, parts: GONE, head })
    expect(error).toBe('big')
  })

  test.each(WRONG)('to a question for the parts, %s, tells not that the upload is gone', async (_what, body) => {
    const { error } = await saved({ complete: { status: 503 }, parts: { body }, head: { headers: { etag: '"e-2"' } } })
    expect(error).toMatchObject({ code: 'unavailable' })
  })

  test('to the completion, a result without an ETag, is checked: the upload is still open', async () => {
    const { steps, error } = await saved({ complete: { body: '<CompleteMultipartUploadResult/>' } })
    expect(error).toMatchObject({ code: 'unavailable', outcome: 'unknown' })
    expect(steps.slice(steps.indexOf('complete'))).toEqual(['complete', 'parts', 'abort', 'parts'])
  })

  test('to a copy, a result without an ETag, is an error', async () => {
    await using server = await serviceWith({ copy: { body: '<CopyObjectResult/>' } })
    await using files = storageOf({ ...server.options, ...conditions })
    await expect(files.copy('a', 'b')).rejects.toMatchObject({ code: 'unavailable', outcome: 'unknown' })
  })

  test.each([
    ['AccessDenied', 'permission_denied'],
    ['InvalidPart', 'invalid_argument'],
    ['EntityTooSmall', 'invalid_argument'],
    ['MalformedXML', 'invalid_argument'],
  ])('to the completion, the error %s after blanks, is final', async (code, expected) => {
    const body = `\n  \n<?xml version="1.0"?><Error><Code>${code}</Code></Error>`
    const { steps, error } = await saved({ complete: { body } }, { maxAttempts: 3 })
    expect(error).toMatchObject({ code: expected })
    expect(steps.filter(step => step === 'complete')).toHaveLength(1)
  })

  test.each([
    ['a small file', 'x'],
    ['a stream', 'stream'],
  ])('to a PUT of %s, without an ETag, is an error', async (_what, kind) => {
    await using server = await serviceWith({ put: { body: HTML } })
    await using files = storageOf({ ...server.options, ...conditions })
    const content = kind === 'x' ? kind : Readable.from([Buffer.from('x')])
    const written = files.save('small', content, { overwrite: true })
    await expect(written).rejects.toMatchObject({ code: 'unavailable', outcome: 'unknown' })
  })

  test('to a claim, an HTML page, is looked after: nobody has the key, and nothing is completed', async () => {
    const { steps, error } = await saved({ put: { body: HTML } }, { conditionalWrites: 'on' }, false)
    expect(error).toMatchObject({ code: 'unavailable' })
    expect(steps).not.toContain('complete')
    expect(steps.slice(steps.indexOf('put'))).toEqual(['put', 'head', 'abort', 'parts', 'head'])
  })

  test.each(WRONG)('to a copy, %s, is an error', async (_what, body) => {
    await using server = await serviceWith({ copy: { body } })
    await using files = storageOf({ ...server.options, ...conditions })
    const copied = files.copy('a', 'b', { overwrite: true })
    await expect(copied).rejects.toMatchObject({ code: 'unavailable', outcome: 'unknown' })
  })
})

describe('a copy in parts', () => {
  const source = { 'content-length': String(6 * 1024 ** 3), etag: '"source"' }
  const tooLarge = { status: 400, body: '<Error><Code>InvalidRequest</Code></Error>' }
  const copied = async (part: Answer): Promise<{ server: Scripted & { steps: Step[] }; error: unknown }> => {
    const server = await serviceWith({ copy: tooLarge, head: { headers: source }, part })
    try {
      await using files = storageOf({ ...server.options, ...conditions, partSize: 1024 ** 3 })
      const error = await files.copy('a', 'b', { overwrite: true }).then(
        name => name,
        (reason: unknown) => reason,
      )
      return { server, error }
    } finally {
      await server[Symbol.asyncDispose]()
    }
  }

  test('asks for the size only when one request was refused, and pins the version of the source', async () => {
    const { server, error } = await copied({ body: '<CopyPartResult><ETag>"p"</ETag></CopyPartResult>' })
    expect(error).toBe('b')
    const parts = Array(6).fill('part')
    expect(server.steps).toEqual(['copy', 'head', 'create', ...parts, 'complete', 'uploads'])
    const sent = server.asked.filter(({ url }) => url.includes('partNumber'))
    expect(sent.map(({ headers }) => headers['x-amz-copy-source-if-match'])).toEqual(Array(6).fill('"source"'))
    expect(sent.map(({ headers }) => headers['x-amz-copy-source-range']).sort()[1]).toBe(
      `bytes=${1024 ** 3}-${2 * 1024 ** 3 - 1}`,
    )
  })

  test.each([...WRONG, ['a part without an ETag', '<CopyPartResult/>'] as const])(
    'fails at %s',
    async (_what, body) => {
      const { server, error } = await copied({ body })
      expect(error).toMatchObject({ code: 'unavailable' })
      expect(server.steps).not.toContain('complete')
      expect(server.steps).toContain('abort')
    },
  )
})

describe('a checksum in an answer', () => {
  const md5 = { checksums: 'md5' } as const

  test('that is another than was sent is a mismatch, of a part and of a whole object', async () => {
    const wrong = { etag: `"${'0'.repeat(32)}"` }
    const { steps, error } = await saved({ part: { headers: wrong } }, md5)
    expect([(error as { code: string }).code, steps.includes('complete')]).toEqual(['checksum_mismatch', false])
    await using server = await serviceWith({ put: { headers: wrong } })
    await using files = storageOf({ ...server.options, ...conditions, ...md5 })
    const small = files.save('small', 'x', { overwrite: true })
    await expect(small).rejects.toMatchObject({ code: 'checksum_mismatch', outcome: 'unknown', retryable: true })
    const sum = { 'x-amz-checksum-crc32': 'AAAAAA==', etag: '"e"' }
    await using other = await serviceWith({ put: { headers: sum } })
    await using summed = storageOf({ ...other.options, ...conditions, checksums: 'always' })
    const again = summed.save('small', 'x', { overwrite: true })
    await expect(again).rejects.toMatchObject({ code: 'checksum_mismatch' })
  })

  test.each([
    ['is no MD5', { etag: '"abc-1"' }],
    ['is of encrypted bytes', { etag: `"${'0'.repeat(32)}"`, 'x-amz-server-side-encryption': 'aws:kms' }],
    [
      'is under a customer’s key',
      { etag: `"${'0'.repeat(32)}"`, 'x-amz-server-side-encryption-customer-algorithm': 'AES256' },
    ],
    ['is right', { etag: '"9dd4e461268c8034f5c8564e155c67a6"', 'x-amz-server-side-encryption': 'AES256' }],
  ])('that %s is none', async (_what, headers) => {
    await using server = await serviceWith({ put: { headers } })
    await using files = storageOf({ ...server.options, ...conditions, ...md5 })
    expect(await files.save('small', 'x', { overwrite: true })).toBe('small')
  })
})

describe('the requests of a call', () => {
  const bytes = distinctBytes(PART + 1000)
  let server: Awaited<ReturnType<typeof startStrictS3>>
  beforeEach(async () => {
    server ??= await startStrictS3()
    server.bucket().objects.clear()
    server.requests.length = 0
  })
  afterAll(() => server.close())

  const storage = (options: Input<S3Options> = {}): S3Storage => {
    const { accessKeyId: accessKey, secretAccessKey: secretKey } = server.credentials
    const place = { endpointUrl: server.url, bucketName: 'media', accessKey, secretKey }
    const sizes = { multipartThreshold: PART, partSize: PART }
    return new S3Storage({ ...place, ...sizes, fileOverwrite: false, ...options }, { settings: {}, env: {} })
  }
  const operations = (): string[] => server.requests.map(({ operation }) => operation)
  const PARTS = ['CreateMultipartUpload', 'UploadPart', 'UploadPart']

  test.each([
    ['the claim decides', { conditionalWrites: 'on' }, [...PARTS, 'PutObject', 'CompleteMultipartUpload']],
    ['the completion decides', { provider: 'aws' }, [...PARTS, 'CompleteMultipartUpload']],
  ] as const)('a large exclusive save asks nothing: %s', async (_what, options, expected) => {
    await using files = storage(options as Input<S3Options>)
    expect(await files.save('large', bytes)).toBe('large')
    expect(operations()).toEqual(expected)
    server.requests.length = 0
    expect(
      await files.save(
        'stream',
        (async function* () {
          yield bytes
        })(),
      ),
    ).toBe('stream')
    expect(operations()).toEqual(expected)
  })

  test('a name that is taken sends a large file in vain once, and is asked for from then on', async () => {
    await using files = storage({ conditionalWrites: 'on' })
    await files.save('taken', 'x')
    server.requests.length = 0
    const parts = () => operations().filter(name => name === 'UploadPart').length
    expect(await files.save('taken', bytes)).toMatch(/^taken_\w{7}$/)
    expect(parts()).toBe(4)
    expect(await files.save('taken', bytes)).toMatch(/^taken_\w{7}$/)
    expect(parts()).toBe(6)
    expect(server.bucket().current('taken')?.body.toString()).toBe('x')
    expect(server.bucket().uploads.size).toBe(0)
  })

  test('a copy is one, a deletion is one, and a copy with other attributes asks for those that stay', async () => {
    await using files = storage({ fileOverwrite: true })
    await files.save('from', 'x', { metadata: { a: 'b' } })
    server.requests.length = 0
    await files.copy('from', 'to')
    await files.delete('to')
    expect(operations()).toEqual(['CopyObject', 'DeleteObject'])
    server.requests.length = 0
    await files.copy('from', 'typed', { contentType: 'text/odd' })
    expect(operations()).toEqual(['HeadObject', 'CopyObject'])
    expect(server.requests[1]!.headers['x-amz-copy-source-if-match']).toBeTruthy()
    expect(server.bucket().current('typed')?.metadata).toEqual({ a: 'b' })
  })

  test('a copy into another storage reads the source once, and its version is kept when it is read again', async () => {
    await using files = storage({ conditionalWrites: 'on', fileOverwrite: true })
    await files.save('from', bytes, { contentType: 'text/odd', metadata: { a: 'b' } })
    await using other = storage({ location: 'other', conditionalWrites: 'on', fileOverwrite: true })
    server.requests.length = 0
    await files.copy('from', 'to', { storage: other })
    expect(operations()).toEqual(['GetObject', ...PARTS, 'CompleteMultipartUpload'])
    expect(await other.stat('to')).toMatchObject({ contentType: 'text/odd', metadata: { a: 'b' }, size: bytes.length })
    let replaced = 0
    server.faults.add({
      operation: 'CompleteMultipartUpload',
      fault: { do: 'refuse', status: 403, code: 'AccessDenied' },
      match: () => ++replaced > 0,
    })
    await expect(files.copy('from', 'never', { storage: other })).rejects.toMatchObject({ code: 'permission_denied' })
    expect([replaced, server.bucket().uploads.size]).toEqual([1, 0])
  })

  test('a copy into another storage never mixes two versions of its source', async () => {
    await using files = storage({ conditionalWrites: 'on', fileOverwrite: true })
    await files.save('from', bytes)
    const memory = new MemoryStorage({ fileOverwrite: true })
    const { etag } = await files.stat('from')
    const write = memory.calls.driver.write.bind(memory.calls.driver)
    let tries = 0
    memory.calls.driver.write = async (key, content, options, ctx) => {
      if (++tries > 1) return write(key, content, options, ctx)
      content.open().destroy()
      await files.save('from', 'another version')
      throw new StorageError('unavailable', 'once')
    }
    const error = await files.copy('from', 'to', { storage: memory }).catch((reason: unknown) => reason)
    expect([tries, etag === undefined]).toEqual([2, false])
    expect(error).toMatchObject({ code: 'precondition_failed' })
    expect(await memory.exists('to')).toBe(false)
  })

  test('an upload returns what its last answer says', async () => {
    await using files = storage({ fileOverwrite: true })
    await files.save('large', bytes)
    const [object] = server.bucket().objects.get('large')!
    expect(await files.stat('large')).toMatchObject({ size: bytes.length, etag: object?.etag })
  })
})

describe('the ETag of a part', () => {
  /** The body of the completion that a service gets whose parts have an ETag. */
  async function completionOf(etag: string): Promise<string> {
    let body = ''
    await using server = await serve(async (request, response) => {
      const step = stepOf(request)
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      if (step === 'complete') body = Buffer.concat(chunks).toString()
      const { status = 200, body: text = '' } = RIGHT[step]
      response.writeHead(status, step === 'part' ? { etag } : {}).end(text)
    })
    await using files = storageOf({
      accessKey: 'id',
      secretKey: 'secret',
      bucketName: 'bkt',
      endpointUrl: server.url,
      ...conditions,
    })
    await files.save('big', large)
    return body
  }

  test.each([
    ['"abc"', '"abc"'],
    ['W/"abc"', '"abc"'],
    ['abc', 'abc'],
    ['"a<b&c"', '"a&#60;b&#38;c"'],
  ])('%s stands in the completion as %s', async (etag, written) => {
    expect(await completionOf(etag)).toContain(`<PartNumber>1</PartNumber><ETag>${written}</ETag>`)
  })
})

test('the payer and the owner go with requests that end uploads, list parts and delete claims', async () => {
  const objectParameters = { RequestPayer: 'requester', ExpectedBucketOwner: '111122223333' }
  for (const conditionalWrites of ['off', 'on'] as const) {
    await using server = await serviceWith({ complete: { status: 503 } })
    await using files = storageOf({ ...server.options, ...conditions, conditionalWrites, objectParameters })
    const overwrite = conditionalWrites === 'off'
    await files.save('big', large, { overwrite }).catch(() => undefined)
    expect(server.steps).toEqual(expect.arrayContaining(['parts', 'abort']))
    for (const { method, url, headers } of server.asked) {
      const found = [headers['x-amz-request-payer'], headers['x-amz-expected-bucket-owner']]
      expect([method, url, ...found]).toEqual([method, url, 'requester', '111122223333'])
    }
  }
})

test('a checksum that the answer has twice is no mismatch', async () => {
  await using server = await scripted((request, response) => {
    const sum = String(request.headers['x-amz-checksum-crc32'])
    response.writeHead(200, { etag: '"e"', 'x-amz-checksum-crc32': [sum, sum] }).end()
  })
  await using files = storageOf({ ...server.options, conditionalWrites: 'off', checksums: 'always' })
  expect(await files.save('a', 'x')).toBe('a')
})
