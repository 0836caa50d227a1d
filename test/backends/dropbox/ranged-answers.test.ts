import { expect, test } from 'vitest'
import { describeRangedAnswers } from '../../faults/ranged-answers.ts'
import { headersOf, type RangedGround, readingFrom, TEXT, VERSION } from '../../faults/ranged-ground.ts'
import { contentHash } from '../../servers/strict-dropbox.ts'
import { hostsAt, storageWith } from './support.ts'

/** What the service says of a file in the state of a number. */
function described(version: string | undefined, bytes: string | Buffer): Record<string, unknown> {
  const rev = version === undefined ? {} : { rev: `00000000${version}` }
  const hash = bytes.length === TEXT.length ? TEXT_HASH : contentHash(Buffer.from(bytes))
  const modified = { client_modified: '2020-01-01T00:00:00Z', server_modified: '2020-01-01T00:00:00Z' }
  const names = { name: 'a', path_lower: '/a', path_display: '/a', id: 'id:a' }
  return { ...names, ...modified, ...rev, size: bytes.length, content_hash: hash }
}
const TEXT_HASH = contentHash(Buffer.from(TEXT))

const ground: RangedGround = {
  backend: 'dropbox',
  version: 'revision',
  method: 'POST',
  storage: url => storageWith({ ...hostsAt(url), oauth2AccessToken: 'x'.repeat(40), maxAttempts: 1 }),
  told: (version, bytes) => ({ 'dropbox-api-result': JSON.stringify(described(version, bytes)) }),
  described: ({ url }, version, bytes) =>
    url === '/api/2/files/get_metadata' ? { '.tag': 'file', ...described(version, bytes) } : undefined,
  // No header ties a request to a revision: each answer tells its own, which is compared.
  tied: headers => (headers['dropbox-api-arg'] === '{"path":"/a"}' ? VERSION : undefined),
  withoutVersion: ['unavailable', 5],
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
