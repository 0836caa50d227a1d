import { randomBytes } from 'node:crypto'
import { afterEach, expect, test, vi } from 'vitest'
import { Crc64Nvme } from '../../src/core/digests/crc.ts'

afterEach(() => vi.unstubAllGlobals())

/** By definition, a bit at a time. */
function slow(bytes: Uint8Array): string {
  let crc = 0xffffffffffffffffn
  for (const byte of bytes) {
    crc ^= BigInt(byte)
    for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ 0x9a6c9329ac4bc9b5n : crc >> 1n
  }
  return (crc ^ 0xffffffffffffffffn).toString(16).padStart(16, '0')
}

/** In chunks, whatever way each takes. */
function quick(bytes: Buffer, chunk: number, Check = Crc64Nvme): string {
  const crc = new Check()
  for (let at = 0; at < bytes.length; at += chunk) crc.update(bytes.subarray(at, at + chunk))
  return crc.digest().toString('hex')
}

test.each([0, 1, 7, 8, 9, 4095, 4096, 4097, 70_001])('%d bytes have the checksum of the definition', size => {
  const bytes = randomBytes(size)
  const wanted = slow(bytes)
  for (const chunk of [3, 100, 4096, 5001, 65_536, 200_000]) expect(quick(bytes, chunk), `${chunk}`).toBe(wanted)
})

test('the check value of the specification', () => {
  expect(quick(Buffer.from('123456789'), 9)).toBe('ae8b14860a799888')
})

test.each([
  undefined,
  {
    Module: class {
      constructor() {
        throw new Error('no code generation')
      }
    },
  },
])('also where the runtime compiles nothing', async WebAssembly => {
  vi.stubGlobal('WebAssembly', WebAssembly)
  vi.resetModules()
  const { Crc64Nvme: Check } = await import('../../src/core/digests/crc.ts')
  const bytes = randomBytes(9000)
  expect(quick(bytes, 9000, Check)).toBe(slow(bytes))
})
