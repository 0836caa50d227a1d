import { S3Client } from '@aws-sdk/client-s3'
import { createPresignedPost } from '@aws-sdk/s3-presigned-post'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { PostCondition } from '../../../src/remote/sign/post-policy.ts'
import { postPolicy } from '../../../src/remote/sign/post-policy.ts'

const KEYS = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' }
const NOW = new Date('2024-02-29T12:34:56.789Z')
const FILE = '$' + '{filename}'

beforeEach(() => {
  vi.useFakeTimers({ now: NOW, toFake: ['Date'] })
})
afterEach(() => {
  vi.useRealTimers()
})

test.each<[string, string | undefined, Record<string, string>, PostCondition[]]>([
  ['a b/é.txt', undefined, {}, []],
  ['k', 'token+/=', {}, []],
  [
    'k',
    undefined,
    { 'Content-Type': 'text/plain', acl: 'private', success_action_status: '201' },
    [
      ['content-length-range', 0, 1_048_576],
      ['starts-with', '$x-amz-meta-tag', 'é"'],
      ['eq', '$x-amz-meta-b', '1'],
      { 'x-amz-meta-c': 'd' },
      { acl: 'private' },
    ],
  ],
  [`uploads/${FILE}`, undefined, { acl: 'private' }, [['content-length-range', 1, 1]]],
  [FILE, 'token', {}, []],
])('the form for %s equals the official one', async (key, sessionToken, fields, conditions) => {
  const credentials = { ...KEYS, ...(sessionToken ? { sessionToken } : {}) }
  const client = new S3Client({ region: 'eu-west-1', credentials })
  const theirs = await createPresignedPost(client, {
    Bucket: 'bkt-x',
    Key: key,
    Fields: fields,
    Conditions: conditions as never,
    Expires: 900,
  })
  const options = { region: 'eu-west-1', now: NOW, bucket: 'bkt-x', key, fields, conditions, expiresInSecs: 900 }
  const ours = postPolicy(credentials, { ...options, url: 'https://bkt-x.s3.eu-west-1.amazonaws.com/' })
  expect(ours).toEqual(theirs)
  expect(Object.keys(ours.fields)).toEqual(Object.keys(theirs.fields))
})

test('the policy says when it ends and what it demands', () => {
  const options = { url: 'u', region: 'r', now: NOW, bucket: 'b', key: 'k', expiresInSecs: 604_800 }
  const { fields } = postPolicy(KEYS, options)
  const policy = JSON.parse(Buffer.from(fields['Policy']!, 'base64').toString()) as Record<string, unknown>
  expect(policy['expiration']).toBe('2024-03-07T12:34:56Z')
  expect(policy['conditions']).toEqual([
    { bucket: 'b' },
    { 'X-Amz-Algorithm': 'AWS4-HMAC-SHA256' },
    { 'X-Amz-Credential': 'AKIAIOSFODNN7EXAMPLE/20240229/r/s3/aws4_request' },
    { 'X-Amz-Date': '20240229T123456Z' },
    { key: 'k' },
  ])
})

test.each([
  [{ expiresInSecs: 604_801 }, /expiresInSecs.*604800/],
  [{ expiresInSecs: 0 }, /expiresInSecs.*604800/],
  [{ conditions: [['content-length-range', 5, 4] as const] }, /content-length-range/],
  [{ conditions: [['content-length-range', -1, 4] as const] }, /content-length-range/],
  [{ conditions: [['starts-with', 'key', ''] as const] }, /starts-with/],
  [{ conditions: [['starts-with', '$key', 1 as never] as const] }, /starts-with/],
  [{ conditions: [['begins', '$key', ''] as never] }, /starts-with/],
  [{ expiresInSecs: Number.POSITIVE_INFINITY }, /expiresInSecs/],
  [{ key: `${FILE}/b` }, /filename/],
  [{ key: `${FILE}${FILE}` }, /filename/],
])('%j is refused', (wrong, message) => {
  const options = { url: 'u', region: 'r', now: NOW, bucket: 'b', key: 'k', expiresInSecs: 1, ...wrong }
  const refused = { code: 'invalid_argument', message: expect.stringMatching(message) }
  expect(() => postPolicy(KEYS, options)).toThrow(expect.objectContaining(refused))
})

test('a policy holds quotes and backslashes as JSON', () => {
  const key = 'a"\\],{"bucket":"x"}'
  const { fields } = postPolicy(KEYS, { url: 'u', region: 'r', now: NOW, bucket: 'b', key, expiresInSecs: 1 })
  const policy = JSON.parse(Buffer.from(fields['Policy']!, 'base64').toString()) as { conditions: unknown[] }
  expect(policy.conditions.at(-1)).toEqual({ key })
})
