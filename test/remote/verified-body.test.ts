import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { BytesBody, readBytes, StreamBody } from '../../src/core/body.ts'
import { VerifiedBody } from '../../src/remote/index.ts'

const bytes = Buffer.from('the bytes of a file')
const md5 = (of: Buffer) => createHash('md5').update(of).digest('base64')
const begin = () => {
  const hash = createHash('md5')
  return { update: (chunk: Uint8Array) => hash.update(chunk), digest: () => hash.digest('base64') }
}
const bodies = () => [
  new BytesBody(bytes),
  new StreamBody(Readable.from([bytes.subarray(0, 5), bytes.subarray(5)], { objectMode: false })),
]

test('gives bytes with the expected hash', async () => {
  for (const body of bodies()) {
    const verified = new VerifiedBody(body, { name: 'MD5', value: md5(bytes), begin })
    expect(await readBytes({ body: verified })).toEqual(bytes)
  }
  const empty = new VerifiedBody(new BytesBody(Buffer.alloc(0)), { name: 'MD5', value: md5(Buffer.alloc(0)), begin })
  expect(await readBytes({ body: empty })).toHaveLength(0)
})

test('fails where they have another one, before their end', async () => {
  for (const body of bodies()) {
    const verified = new VerifiedBody(body, { name: 'MD5', value: md5(Buffer.from('other')), begin })
    const got: Uint8Array[] = []
    const reading = (async () => {
      for await (const chunk of verified.stream()) got.push(chunk)
    })()
    await expect(reading).rejects.toMatchObject({ code: 'checksum_mismatch' })
    expect(Buffer.concat(got).length).toBeLessThan(bytes.length)
  }
})

test('destroys what it reads from', async () => {
  const source = Readable.from([bytes, bytes], { objectMode: false })
  const verified = new VerifiedBody(new StreamBody(source), { name: 'MD5', value: 'x', begin })
  verified
    .stream()
    .on('error', () => undefined)
    .destroy()
  expect(source.destroyed).toBe(true)
})
