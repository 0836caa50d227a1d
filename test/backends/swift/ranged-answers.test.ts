import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { describeRangedAnswers } from '../../faults/ranged-answers.ts'
import { headersOf, type RangedGround, readingFrom, TEXT, VERSION } from '../../faults/ranged-ground.ts'
import { storageWith } from './support.ts'

const ground: RangedGround = {
  backend: 'swift',
  version: 'etag',
  storage: url => storageWith({ token: 'token', storageUrl: `${url}/v1/AUTH_test`, maxAttempts: 1 }),
  told: version => (version === undefined ? {} : { etag: `"${version}"` }),
  always: {
    'last-modified': 'Wed, 01 Jan 2020 00:00:00 GMT',
    'x-timestamp': '1577836800.00000',
    'x-trans-id': 'tx1',
  },
  // No header ties a request to a version, since Swift's writes have no such condition: each answer tells its ETag, which is compared.
  tied: headers => (headers['x-auth-token'] === 'token' ? VERSION : undefined),
  withoutVersion: ['precondition_failed', 2],
}

describeRangedAnswers(ground)

test('a body that breaks and goes on with a damaged byte is a checksum_mismatch', async () => {
  const etag = createHash('md5').update(TEXT).digest('hex')
  const { result } = await readingFrom(
    ground,
    (_request, response, from, count) => {
      const head = { ...headersOf(ground, from, { isPart: count > 0 }), etag }
      if (count === 0) response.writeHead(200, head).write(TEXT.slice(0, 100_000), () => void response.destroy())
      else response.writeHead(206, head).end(`x${TEXT.slice(from + 1)}`)
    },
    files => files.readText('a').catch(error => error),
  )
  expect(typeof result === 'string' ? `read ${result.length}` : result.code).toBe('checksum_mismatch')
})
