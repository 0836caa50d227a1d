import { createHash } from 'node:crypto'
import { Crc32cJs, Crc32Js, Crc64NvmeJs } from '@aws-sdk/checksums/crc'
import { describe, expect, test } from 'vitest'
import {
  type ChecksumAlgorithm,
  checksumHeaders,
  checksumOf,
  headerOf,
  RunningChecksum,
} from '../../../src/remote/checksums.ts'
import { seeded } from '../../oracles/seeded.ts'
import { Sha256 } from '../../oracles/sha256.ts'

const CHECK = Buffer.from('123456789')

const ORACLES: Record<ChecksumAlgorithm, new () => { update(data: Uint8Array): void; digest(): Promise<Uint8Array> }> =
  {
    CRC32: Crc32Js,
    CRC32C: Crc32cJs,
    CRC64NVME: Crc64NvmeJs,
    SHA256: Sha256,
  }

const ALGORITHMS = Object.keys(ORACLES) as ChecksumAlgorithm[]

const base64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64')

async function official(algorithm: ChecksumAlgorithm, bytes: Uint8Array): Promise<string> {
  const oracle = new ORACLES[algorithm]()
  oracle.update(bytes)
  return Buffer.from(await oracle.digest()).toString('base64')
}

function randomBytes(length: number, next: () => number): Uint8Array {
  return Uint8Array.from({ length }, () => Math.floor(next() * 256))
}

test.each([
  ['CRC32', 'cbf43926', '00000000'],
  ['CRC32C', 'e3069283', '00000000'],
  ['CRC64NVME', 'ae8b14860a799888', '0000000000000000'],
  ['SHA256', createHash('sha256').update(CHECK).digest('hex'), createHash('sha256').digest('hex')],
] as const)('the check value of %s, and that of nothing', (algorithm, ofDigits, ofNothing) => {
  expect(checksumOf(algorithm, CHECK)).toBe(base64(ofDigits))
  expect(checksumOf(algorithm, new Uint8Array())).toBe(base64(ofNothing))
  expect(new RunningChecksum(algorithm).digest()).toBe(base64(ofNothing))
})

/** The examples of RFC 3720, appendix B.4, which prints the bytes of the value in the other order. */
test.each([
  ['zeros', new Uint8Array(32), '8a9136aa'],
  ['ones', new Uint8Array(32).fill(255), '62a8ab43'],
  ['rising', Uint8Array.from({ length: 32 }, (_, at) => at), '46dd794e'],
  ['falling', Uint8Array.from({ length: 32 }, (_, at) => 31 - at), '113fdb5c'],
])('CRC32C of 32 bytes of %s', (_, bytes, hex) => {
  expect(checksumOf('CRC32C', bytes)).toBe(base64(hex))
})

describe.each(ALGORITHMS)('%s', algorithm => {
  test('agrees with the official package at every length and alignment', async () => {
    const next = seeded(64)
    for (let length = 0; length <= 70; length++) {
      const bytes = randomBytes(length + 8, next).subarray(length % 8, length + (length % 8))
      expect(checksumOf(algorithm, bytes), `length ${length}`).toBe(await official(algorithm, bytes))
    }
    const large = randomBytes(100_003, next)
    expect(checksumOf(algorithm, large)).toBe(await official(algorithm, large))
  })

  test('is the same however the bytes are cut', () => {
    const next = seeded(5)
    const bytes = randomBytes(5000, next)
    for (let round = 0; round < 20; round++) {
      const running = new RunningChecksum(algorithm)
      const chunks: Uint8Array[] = []
      for (let at = 0; at < bytes.length; ) {
        const end = at + Math.floor(next() * 40)
        running.update(bytes.subarray(at, end))
        chunks.push(bytes.subarray(at, end))
        at = end
      }
      expect(running.digest()).toBe(checksumOf(algorithm, bytes))
      expect(checksumOf(algorithm, chunks)).toBe(checksumOf(algorithm, bytes))
      expect(checksumHeaders('MD5', chunks)).toEqual(checksumHeaders('MD5', bytes))
    }
  })

  test('gives its digest between updates without ending', () => {
    const running = new RunningChecksum(algorithm)
    running.update(CHECK.subarray(0, 4))
    expect(running.digest()).toBe(checksumOf(algorithm, CHECK.subarray(0, 4)))
    running.update(CHECK.subarray(4))
    expect([running.digest(), running.digest()]).toEqual(Array(2).fill(checksumOf(algorithm, CHECK)))
  })
})

test('headers are named in lower case', () => {
  expect(ALGORITHMS.map(headerOf)).toEqual([
    'x-amz-checksum-crc32',
    'x-amz-checksum-crc32c',
    'x-amz-checksum-crc64nvme',
    'x-amz-checksum-sha256',
  ])
})
