import { Storage } from '@google-cloud/storage'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { GcsCredentials } from '../../../src/backends/gcs/credentials/credentials.ts'
import { textSigner } from '../../../src/backends/gcs/credentials/signer.ts'
import { signedForm, signedUrl, type UrlBase } from '../../../src/backends/gcs/sign.ts'
import { NodeClient } from '../../../src/http/node-client.ts'
import { sharedContext } from '../../../src/remote/aftermath.ts'
import type { PostCondition } from '../../../src/remote/sign/post-policy.ts'
import { seeded } from '../../oracles/seeded.ts'
import { KEY_FILE, Samples } from './sample.ts'

const official = new Storage({ projectId: 'a-project', credentials: KEY_FILE })
const http = new NodeClient()
const credentials = new GcsCredentials(KEY_FILE, {}, http)
const signer = await textSigner(credentials, { iamSignBlob: false, saEmail: null })
const ctx = sharedContext()

beforeAll(() => void vi.useFakeTimers({ toFake: ['Date'] }))
afterAll(async () => {
  vi.useRealTimers()
  await http.close()
})

const BASE: UrlBase = { scheme: 'https', host: 'storage.googleapis.com', path: '/a-bucket' }
const CNAME: UrlBase = { scheme: 'https', host: 'files.example.com', path: '' }
const METHODS = { read: 'GET', write: 'PUT', delete: 'DELETE', resumable: 'POST' } as const
const QUERY = ['response-content-disposition', 'response-content-type', 'generation', 'userProject', 'a b', "q'!"]
const HEADERS = ['x-goog-acl', 'x-goog-meta-Color', 'X-Goog-Storage-Class', 'x-goog-content-length-range', 'x-upper']

/** A URL with its parameters in the order of their names: the official client has the signature last. */
function parsed(text: string): object {
  const [address, query = ''] = text.split('?')
  return { address, query: query.split('&').sort() }
}

it('signs URLs as the official client does, for 600 odd names, queries and headers', async () => {
  const samples = new Samples(seeded(7))
  for (let count = 0; count < 600; count++) {
    vi.setSystemTime(1_700_000_000_000 + samples.below(1e11) * 10)
    const action = samples.pick(['read', 'write', 'delete', 'resumable'] as const)
    const key = samples.text(30)
    const queryParams = samples.fields(QUERY, () => samples.text(12))
    const extensionHeaders = samples.fields(HEADERS, () => samples.value())
    const contentType = samples.pick([undefined, 'text/plain; charset=utf-8'])
    const expiresInSecs = 1 + samples.below(604_800)
    const isCname = samples.below(3) === 0
    const expires = (Math.floor(Date.now() / 1000) + expiresInSecs) * 1000
    const about = { version: 'v4', action, expires, queryParams, extensionHeaders } as const
    const typed = contentType === undefined ? about : { ...about, contentType }
    const cname = isCname ? { cname: 'https://files.example.com' } : {}
    const [theirs] = await official
      .bucket('a-bucket')
      .file(key)
      .getSignedUrl({ ...typed, ...cname })
    const headers: Record<string, string> = {}
    for (const [name, value] of Object.entries(extensionHeaders)) headers[name.toLowerCase()] = value
    if (contentType !== undefined) headers['content-type'] = contentType
    if (action === 'resumable') headers['x-goog-resumable'] = 'start'
    const request = { method: METHODS[action], key, query: Object.entries(queryParams), headers, expiresInSecs }
    const ours = await signedUrl(isCname ? CNAME : BASE, request, signer, ctx)
    expect(parsed(ours), key).toEqual(parsed(theirs))
  }
})

it('signs POST policies as the official client does, for 500 odd names, fields and conditions', async () => {
  const samples = new Samples(seeded(11))
  for (let count = 0; count < 500; count++) {
    vi.setSystemTime(1_700_000_000_000 + samples.below(1e11) * 10)
    const key = samples.text(30)
    const fields = samples.fields(['acl', 'Content-Type', 'x-goog-meta-color', 'success_action_status'], () =>
      samples.text(12),
    )
    const conditions: PostCondition[] = []
    if (samples.below(2) === 0) conditions.push(['content-length-range', 0, samples.below(1e9)])
    if (samples.below(2) === 0) conditions.push(['starts-with', '$Content-Type', 'image/'])
    const expiresInSecs = 1 + samples.below(604_800)
    const about = { expires: Date.now() + expiresInSecs * 1000, fields, conditions: [...conditions] as object[] }
    const [theirs] = await official.bucket('a-bucket').file(key).generateSignedPostPolicyV4(about)
    const ours = await signedForm(
      { url: 'https://storage.googleapis.com/a-bucket/', bucket: 'a-bucket', key, expiresInSecs, fields, conditions },
      signer,
      ctx,
    )
    expect(ours.url).toBe(theirs.url)
    expect(unsigned(ours.fields), key).toEqual(unsigned(theirs.fields as Record<string, string>))
    // The same texts in another order have another signature, which is ours.
    expect(ours.fields['x-goog-signature']).toBe(await signer.sign(ours.fields['policy']!, ctx))
  }
})

function unsigned({ policy, 'x-goog-signature': signature, ...fields }: Record<string, string>): object {
  expect(signature).toMatch(/^[0-9a-f]{512}$/)
  const text = Buffer.from(policy!, 'base64').toString('latin1')
  expect(text).toMatch(/^[\0-\x7f]*$/)
  const { expiration, conditions } = JSON.parse(text) as { expiration: string; conditions: unknown[] }
  const texts = conditions.map(condition => JSON.stringify(condition)).sort()
  return { fields, expiration, texts: [...new Set(texts)] }
}
