/** V2 signatures, recomputed: `GOOG1` and `AWS` headers, and URLs with `GoogleAccessId`, `Expires` and `Signature`. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { parseAmzDate } from '../strict-s3/sigv4.ts'
import { type Account, rsaVerify } from './accounts.ts'
import type { Identity, ServerState } from './context.ts'
import { GcsError } from './errors.ts'
import { checkSkew } from './goog4.ts'
import type { GcsRequest } from './request.ts'

const subresources: readonly string[] = (
  'acl,billing,compose,cors,defaultObjectAcl,encryption,encryptionConfig,lifecycle,location,logging,storageClass,tagging,' +
  'uploadId,uploads,partNumber,versioning,websiteConfig,website'
).split(',')

/** Whether a query carries a V2 signature. */
export function isV2Query(query: GcsRequest['query']): boolean {
  return query['Signature'] !== undefined
}

function stringToSign(request: GcsRequest, date: string, prefix: string): string {
  const { headers } = request
  const extension = Object.entries(headers)
    .filter(([name]) => name.startsWith(prefix))
    .sort((a, b) => (a[0] < b[0] ? -1 : 1))
    .map(([name, value]) => `${name}:${value.replace(/\s*\n\s*/g, ' ')}`)
  const parameters = request.pairs
    .filter(([name]) => subresources.includes(name))
    .sort((a, b) => (a[0] < b[0] ? -1 : 1))
    .map(([name, value]) => (value === '' ? name : `${name}=${value}`))
  const host = (headers['host'] ?? '').replace(/:\d+$/, '')
  const bucket =
    request.rawPath.startsWith(`/${request.bucket}`) || !host.startsWith(request.bucket) ? '' : `/${request.bucket}`
  const resource = bucket + request.rawPath + (parameters.length === 0 ? '' : `?${parameters.join('&')}`)
  const first = [request.method, headers['content-md5'] ?? '', headers['content-type'] ?? '', date]
  return [...first, ...extension, resource].join('\n')
}

function mismatch(text: string): GcsError {
  const details =
    'The request signature we calculated does not match the signature you provided. Check your Google secret key and signing method.'
  return new GcsError(403, 'forbidden', 'Access denied.', {
    xml: 'SignatureDoesNotMatch',
    Details: details,
    StringToSign: text,
  })
}

function accountOf(id: string, signature: string, text: string, state: ServerState): Account {
  const given = Buffer.from(signature, 'base64')
  const bytes = Buffer.from(text, 'latin1')
  const signer = state.accounts.find(one => one.email === id)
  if (signer !== undefined) {
    if (!rsaVerify(signer, bytes, given)) throw mismatch(text)
    return signer
  }
  const key = state.hmacKeys.find(one => one.accessId === id)
  const account = state.accounts.find(one => one.email === key?.email)
  if (key === undefined || account === undefined) {
    throw new GcsError(403, 'forbidden', 'Access denied.', {
      xml: 'InvalidSecurity',
      Details: 'The access ID is not known.',
    })
  }
  const expected = createHmac('sha1', key.secret).update(bytes).digest()
  if (expected.length !== given.length || !timingSafeEqual(expected, given)) throw mismatch(text)
  return account
}

/** Verifies `Authorization: GOOG1 id:signature`, or `AWS` with headers `x-amz-*`. */
export function verifyHeaderV2(request: GcsRequest, state: ServerState): Identity {
  const { headers } = request
  const match = /^(GOOG1|AWS) ([^:\s]+):(\S+)$/.exec(headers['authorization'] ?? '')
  if (match === null) {
    throw new GcsError(400, 'invalid', 'Invalid argument.', { Details: 'The Authorization header is malformed.' })
  }
  const [, scheme, id = '', signature = ''] = match
  const prefix = scheme === 'AWS' ? 'x-amz-' : 'x-goog-'
  const own = headers[`${prefix}date`]
  const sent = own ?? headers['date'] ?? ''
  const parsed = Date.parse(sent)
  const time = Number.isNaN(parsed) ? parseAmzDate(sent) : parsed
  if (Number.isNaN(time)) {
    throw new GcsError(403, 'forbidden', 'Access denied.', { Details: 'A valid Date or x-goog-date header is needed.' })
  }
  const account = accountOf(id, signature, stringToSign(request, own === undefined ? sent : '', prefix), state)
  checkSkew(time, state.now())
  return { account, scopes: undefined }
}

/** Verifies a URL signed the older way. */
export function verifyQueryV2(request: GcsRequest, state: ServerState): Identity {
  const { GoogleAccessId: google, AWSAccessKeyId: amazon, Expires: expires, Signature: signature } = request.query
  const id = google ?? amazon
  if (!id || !expires || !signature || !/^\d{1,12}$/.test(expires)) {
    throw new GcsError(400, 'invalid', 'Invalid argument.', {
      Details: 'GoogleAccessId, Expires and Signature are needed.',
    })
  }
  const prefix = google === undefined ? 'x-amz-' : 'x-goog-'
  const account = accountOf(id, signature, stringToSign(request, expires, prefix), state)
  if (state.now() > Number(expires) * 1000) {
    const details = `Request signature expired at: ${new Date(Number(expires) * 1000).toISOString()}`
    throw new GcsError(400, 'invalid', 'Invalid argument.', { xml: 'ExpiredToken', Details: details })
  }
  return { account, scopes: undefined }
}
