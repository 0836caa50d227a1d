import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { describeRangedAnswers } from '../../faults/ranged-answers.ts'
import { headersOf, type RangedGround, readingFrom, TEXT, VERSION } from '../../faults/ranged-ground.ts'
import { storageWith } from './support.ts'

const TEXT_MD5 = createHash('md5').update(TEXT).digest('hex')

/** The tags of an object in the state of a number, as Atmos tells them; without one it tells nothing but its policy. */
function told(version: string | undefined, bytes: string | Buffer): Record<string, string> {
  if (version === undefined) return { 'x-emc-policy': 'default' }
  const tags = [
    'mtime=2020-01-01T00:00:00Z',
    'type=regular',
    `objectid=${version.repeat(44)}`,
    `size=${bytes.length}`,
    ...(bytes.length === TEXT.length ? [`md5=${TEXT_MD5}`] : []),
  ]
  return { 'x-emc-meta': tags.join(', '), 'x-emc-policy': 'default' }
}

const ground: RangedGround = {
  backend: 'atmos',
  version: 'object id',
  storage: host => storageWith({ host, user: 'uid', key: 'c2VjcmV0', maxAttempts: 1 }),
  told,
  // No header ties a request to an object: each answer tells its own, which is compared.
  tied: headers => (headers['x-emc-uid'] === 'uid' ? VERSION : undefined),
  withoutVersion: ['precondition_failed', 2],
}

describeRangedAnswers(ground)

test('a body that breaks and goes on with a damaged byte is a checksum_mismatch', async () => {
  const { result } = await readingFrom(
    ground,
    (_request, response, from, count) => {
      const half = (): void => void response.destroy()
      if (count === 0) response.writeHead(200, headersOf(ground, 0)).write(TEXT.slice(0, 100_000), half)
      else response.writeHead(206, headersOf(ground, from, { isPart: true })).end(`x${TEXT.slice(from + 1)}`)
    },
    files => files.readText('a').catch(error => error),
  )
  expect(typeof result === 'string' ? `read ${result.length}` : result.code).toBe('checksum_mismatch')
})
