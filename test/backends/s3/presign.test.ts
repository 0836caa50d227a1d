import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { formatUrl } from '@aws-sdk/core/util'
import { getSignedUrl, S3RequestPresigner } from '@aws-sdk/s3-request-presigner'
import { HttpRequest } from '@smithy/core/protocols'
import { expect, test } from 'vitest'
import { bucketAddress } from '../../../src/backends/s3/addressing.ts'
import { encodeKey } from '../../../src/remote/sign/encode.ts'
import { presignV4 } from '../../../src/remote/sign/v4.ts'
import { seeded } from '../../oracles/seeded.ts'
import { Sha256 } from '../../oracles/sha256.ts'
import { sample } from './sample.ts'

const KEYS = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' }
const NOW = new Date('2024-02-29T12:34:56.789Z')

test('2,000 random URLs equal those of the official presigner', async () => {
  const random = seeded(64)
  for (let round = 0; round < 2000; round++) {
    const { method, host, key, query, headers, region, now, payloadHash: _, ...credentials } = sample(random)
    const path = `/${encodeKey(key)}`
    const expiresInSecs = 1 + Math.floor(random() * 604_800)
    const signableHeaders = random() < 0.3 ? ['content-type'] : undefined
    const request = { method, path, query, headers: { ...headers, host } }
    const ours = presignV4(request, credentials, { region, now, expiresInSecs, signableHeaders })
    const presigner = new S3RequestPresigner({
      credentials: { ...credentials, sessionToken: credentials.sessionToken as string },
      region,
      sha256: Sha256 as never,
    })
    const [hostname = '', port] = host.split(':')
    const theirs = await presigner.presign(
      new HttpRequest({
        ...request,
        protocol: 'https:',
        hostname,
        ...(port ? { port: Number(port) } : {}),
        query: Object.fromEntries(query),
      }),
      {
        signingDate: now,
        expiresIn: expiresInSecs,
        ...(signableHeaders ? { signableHeaders: new Set(signableHeaders) } : {}),
      },
    )
    expect([round, `https://${host}${path}?${ours}`]).toEqual([round, formatUrl(theirs)])
  }
})

test.each(['us-east-1', 'eu-west-1', 'cn-north-1', 'us-gov-west-1'])(
  'URLs of %s equal those of the official client',
  async regionName => {
    const client = new S3Client({ region: regionName, credentials: KEYS })
    const Key = 'a b/é&+?#%.txt'
    const command = new GetObjectCommand({
      Bucket: 'bkt-x',
      Key,
      ResponseContentDisposition: 'attachment; filename="é.txt"',
    })
    const theirs = await getSignedUrl(client, command, { expiresIn: 77, signingDate: NOW })
    const { pathPrefix, host } = bucketAddress({ bucketName: 'bkt-x', regionName })
    const path = `${pathPrefix}/${encodeKey(Key)}`
    const query = [
      ['response-content-disposition', 'attachment; filename="é.txt"'],
      ['x-id', 'GetObject'],
    ] as const
    // The official client has no global host: it signs us-east-1 for the regional one.
    const named = regionName === 'us-east-1' ? 'bkt-x.s3.us-east-1.amazonaws.com' : host
    const headers = { host: named, 'x-amz-checksum-mode': 'ENABLED' }
    const ours = presignV4({ method: 'GET', path, query, headers }, KEYS, {
      region: regionName,
      now: NOW,
      expiresInSecs: 77,
    })
    expect(`https://${named}${path}?${ours}`).toBe(theirs)
  },
)

test('headers of encryption stay headers, others of amz move into the URL, as the official client does', async () => {
  const client = new S3Client({ region: 'eu-west-1', credentials: KEYS, requestChecksumCalculation: 'WHEN_REQUIRED' })
  const command = new PutObjectCommand({ Bucket: 'bkt-x', Key: 'k', ServerSideEncryption: 'AES256', ACL: 'private' })
  const theirs = await getSignedUrl(client, command, { expiresIn: 60, signingDate: NOW })
  const headers = {
    host: 'bkt-x.s3.eu-west-1.amazonaws.com',
    'x-amz-server-side-encryption': 'AES256',
    'x-amz-acl': 'private',
  }
  const options = { region: 'eu-west-1', now: NOW, expiresInSecs: 60 }
  const ours = presignV4({ method: 'PUT', path: '/k', query: 'x-id=PutObject', headers }, KEYS, options)
  expect(`https://${headers.host}/k?${ours}`).toBe(theirs)
})

test.each([604_801, 0, -1, 1.5, Number.NaN])('a life of %s seconds is refused and the limit named', expiresInSecs => {
  const request = { method: 'GET', path: '/k', headers: { host: 'h' } }
  const presign = () => presignV4(request, KEYS, { region: 'us-east-1', now: NOW, expiresInSecs })
  expect(presign).toThrow(
    expect.objectContaining({ code: 'invalid_argument', message: expect.stringMatching(/expiresInSecs.*604800/) }),
  )
})

test('seven days are allowed and old signatures are replaced', () => {
  const request = { method: 'GET', path: '/k', query: 'X-Amz-Signature=old&X-Amz-Date=old&a=1', headers: { host: 'h' } }
  const query = presignV4(request, KEYS, { region: 'us-east-1', now: NOW, expiresInSecs: 604_800 })
  const parameters = new URLSearchParams(query)
  expect(parameters.get('X-Amz-Expires')).toBe('604800')
  expect(parameters.getAll('X-Amz-Date')).toEqual(['20240229T123456Z'])
  expect(parameters.getAll('X-Amz-Signature')).toHaveLength(1)
  expect(parameters.get('X-Amz-Signature')).toMatch(/^[0-9a-f]{64}$/)
})
