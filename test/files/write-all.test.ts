import type { FileHandle } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { writeAll } from '../../src/files/write-all.ts'

/** A file of a system that takes at most so many bytes at a time. */
function slow(most: number) {
  const written: Array<readonly [text: string, at: number | null]> = []
  const write = async (data: Buffer, from: number, length: number, at: number | null) => {
    const count = Math.min(most, length)
    written.push([data.toString('utf8', from, from + count), at])
    return { bytesWritten: count, buffer: data }
  }
  return { handle: { write } as unknown as FileHandle, written }
}

test('what the system takes in pieces is written whole, each piece at its place', async () => {
  const { handle, written } = slow(3)
  await writeAll(handle, Buffer.from('abcdefgh'), 10)
  await writeAll(handle, Buffer.from('xyz'), null)
  expect(written).toEqual([
    ['abc', 10],
    ['def', 13],
    ['gh', 16],
    ['xyz', null],
  ])
})

test('a write that makes no progress ends, and nothing was applied', async () => {
  await expect(writeAll(slow(0).handle, Buffer.from('x'), null)).rejects.toMatchObject({
    code: 'unknown',
    outcome: 'not_applied',
    message: 'No byte could be written.',
  })
})
