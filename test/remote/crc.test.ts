import { describe, expect, it } from 'vitest'
import { Crc32c, Crc64Nvme } from '../../src/core/digests/crc.ts'

const CASTAGNOLI = 0x82f63b78n
const NVME = 0x9a6c9329ac4bc9b5n

/** Bit by bit, as the definition says. */
function slowly(bytes: Uint8Array, polynomial: bigint, bits: bigint): string {
  const all = (1n << bits) - 1n
  let crc = all
  for (const byte of bytes) {
    crc ^= BigInt(byte)
    for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ polynomial : crc >> 1n
  }
  return (crc ^ all).toString(16).padStart(Number(bits / 4n), '0')
}

const bytes = Uint8Array.from({ length: 200 }, (_, at) => (at * 151 + (at >> 3) * 89) & 255)

describe.each([
  ['CRC-32C', Crc32c, CASTAGNOLI, 32n, 'e3069283'],
  ['CRC-64/NVME', Crc64Nvme, NVME, 64n, 'ae8b14860a799888'],
] as const)('%s', (_name, Crc, polynomial, bits, check) => {
  it('is that of the check string', () => {
    const crc = new Crc()
    crc.update(Buffer.from('123456789'))
    expect(crc.digest().toString('hex')).toBe(check)
  })

  it('is that of the definition for each length, wherever the bytes lie in memory', () => {
    for (let start = 0; start < 8; start++) {
      for (let length = 0; length < 90; length++) {
        const part = bytes.subarray(start, start + length)
        const crc = new Crc()
        crc.update(part)
        expect([start, length, crc.digest().toString('hex')]).toEqual([start, length, slowly(part, polynomial, bits)])
      }
    }
  })

  it('is that of the definition for many bytes at once', () => {
    const many = Uint8Array.from({ length: 70_003 }, (_, at) => (at * 151 + (at >> 3) * 89) & 255).subarray(3)
    const crc = new Crc()
    crc.update(many)
    expect(crc.digest().toString('hex')).toBe(slowly(many, polynomial, bits))
  })

  it('is the same in pieces, and may be asked between them', () => {
    const wanted = slowly(bytes, polynomial, bits)
    for (let cut = 0; cut <= bytes.length; cut++) {
      const crc = new Crc()
      crc.update(bytes.subarray(0, cut))
      expect(crc.digest().toString('hex')).toBe(slowly(bytes.subarray(0, cut), polynomial, bits))
      crc.update(bytes.subarray(cut))
      expect(crc.digest().toString('hex')).toBe(wanted)
    }
  })
})
