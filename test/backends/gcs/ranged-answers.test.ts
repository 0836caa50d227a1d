import { gunzipSync, gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { Storage } from '../../../src/storage/storage.ts'
import { describeRangedAnswers } from '../../faults/ranged-answers.ts'
import {
  expectNotContinued,
  headersOf,
  type RangedAnswer,
  type RangedGround,
  readingFrom,
  TEXT,
  ways,
} from '../../faults/ranged-ground.ts'
import { checksum } from '../../servers/strict-s3/checksums.ts'
import { storageWith } from './support.ts'

const hashOf = (bytes: string | Buffer): string => `crc32c=${checksum('crc32c', Buffer.from(bytes)).toString('base64')}`
const TEXT_HASH = hashOf(TEXT)

const ground: RangedGround = {
  backend: 'gcs',
  version: 'generation',
  storage: url => storageWith({ endpointUrl: url, credentials: 'anonymous', maxAttempts: 1 }),
  told: (version, bytes) => ({
    ...(version === undefined ? {} : { 'x-goog-generation': version }),
    'x-goog-hash': bytes === TEXT ? TEXT_HASH : hashOf(bytes),
    'x-goog-stored-content-encoding': 'identity',
  }),
  described: ({ url }, generation, bytes) =>
    url?.startsWith('/storage/v1/')
      ? { kind: 'storage#object', name: 'a', generation, size: String(bytes.length), updated: '2020-01-01T00:00:00Z' }
      : undefined,
  tied: headers => headers['x-goog-if-generation-match']?.toString(),
  withoutVersion: ['precondition_failed', 2],
}
const reading = <T>(answer: RangedAnswer, work: (files: Storage) => Promise<T>) => readingFrom(ground, answer, work)

describeRangedAnswers(ground)

describe.each(Object.entries(ways))('a part that is read by %s', (_, read) => {
  test('is unsupported where the service unpacks the file on the way', async () => {
    const answer: RangedAnswer = (_request, response) => {
      const unpacked = {
        ...headersOf(ground, 0),
        'x-goog-stored-content-encoding': 'gzip',
        'x-goog-stored-content-length': 99,
      }
      response.writeHead(200, unpacked).end(TEXT)
    }
    const { result } = await reading(answer, files => read(files, 300_000, 300_020).catch(error => error))
    // An opened file reads on to the place, in the bytes that it is given anyway.
    if (read === ways['a file']) expect(result).toBe(TEXT.slice(300_000, 300_020))
    else expect(result).toMatchObject({ code: 'unsupported', fileName: 'a' })
  })
})

describe('a body that breaks', () => {
  test('and goes on with a damaged byte is a checksum_mismatch', async () => {
    const { result } = await reading(
      (_request, response, from, count) => {
        if (count === 0)
          response.writeHead(200, headersOf(ground, 0)).write(TEXT.slice(0, 100_000), () => response.destroy())
        else response.writeHead(206, headersOf(ground, from, { isPart: true })).end(`x${TEXT.slice(from + 1)}`)
      },
      files => files.readText('a').catch(error => error),
    )
    expect(typeof result === 'string' ? `read ${result.length}, damaged: ${result.includes('x')}` : result.code).toBe(
      'checksum_mismatch',
    )
  })

  test('is not continued where the service unpacks the file, and gives no byte twice', async () => {
    await expectNotContinued(ground, {
      'x-goog-generation': '7',
      'x-goog-stored-content-encoding': 'gzip',
      'x-goog-hash': 'crc32c=AAAAAA==',
    })
  })
})

describe('a packed file', () => {
  const packed = gzipSync(TEXT)
  const told = {
    'x-goog-generation': '7',
    'x-goog-hash': hashOf(packed),
    'x-goog-stored-content-encoding': 'gzip',
    'content-encoding': 'gzip',
  }

  test('is read as it is stored, and goes on at its place', async () => {
    const { result, asked } = await reading(
      (_request, response, from, count) => {
        const range = {
          'content-length': packed.length - from,
          'content-range': `bytes ${from}-${packed.length - 1}/${packed.length}`,
        }
        if (count === 0)
          response
            .writeHead(200, { ...told, 'content-length': packed.length })
            .write(packed.subarray(0, 5000), () => response.destroy())
        else response.writeHead(206, { ...told, ...range }).end(packed.subarray(from))
      },
      files => files.readBytes('a'),
    )
    expect([result.equals(packed), asked.length]).toEqual([true, 2])
    expect(gunzipSync(result).toString()).toBe(TEXT)
  })
})
