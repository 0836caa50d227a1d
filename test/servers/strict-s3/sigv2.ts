/** Verifies AWS Signature Version 2 for S3 (AmazonS3 user guide, "Signing and authenticating REST requests"). */
import { createHmac } from 'node:crypto'
import { accessDenied, invalidArgument } from './errors.ts'
import type { S3Request } from './request.ts'
import { checkClock, compareSignatures, findCredentials, parseAmzDate, type Verifier } from './sigv4.ts'

const subresources: readonly string[] = (
  'acl,cors,delete,lifecycle,location,logging,notification,partNumber,policy,requestPayment,restore,tagging,torrent,' +
  'uploadId,uploads,versionId,versioning,versions,website,response-cache-control,response-content-disposition,' +
  'response-content-encoding,response-content-language,response-content-type,response-expires'
).split(',')

/** The string to sign; `date` is the Date header's value or the Expires parameter. */
function stringToSign(request: S3Request, date: string): string {
  const { headers } = request
  const amz = Object.entries(headers).filter(([name]) => name.startsWith('x-amz-'))
  const token = request.query['x-amz-security-token']
  if (token !== undefined && request.query['Signature'] !== undefined) amz.push(['x-amz-security-token', token])
  amz.sort((a, b) => (a[0] < b[0] ? -1 : 1))
  const parameters = request.pairs
    .filter(([name]) => subresources.includes(name))
    .sort((a, b) => (a[0] < b[0] ? -1 : 1))
    .map(([name, value]) => (value === '' ? name : `${name}=${value}`))
  const bucket = request.virtualHosted ? `/${request.bucket}` : ''
  const resource = bucket + request.rawPath + (parameters.length === 0 ? '' : `?${parameters.join('&')}`)
  const first = [request.method, headers['content-md5'] ?? '', headers['content-type'] ?? '', date]
  return [...first, ...amz.map(([name, value]) => `${name}:${value}`), resource].join('\n')
}

function compare(request: S3Request, verifier: Verifier, id: string, signature: string, date: string): void {
  const token = request.headers['x-amz-security-token'] ?? request.query['x-amz-security-token']
  const credentials = findCredentials(verifier.credentials, id, token)
  const text = stringToSign(request, date)
  const expected = createHmac('sha1', credentials.secretAccessKey).update(text).digest('base64')
  compareSignatures(expected, signature, { AWSAccessKeyId: id, StringToSign: text })
}

/** Verifies `Authorization: AWS id:signature`. */
export function verifyHeaderV2(request: S3Request, verifier: Verifier): void {
  const match = /^AWS ([^:]+):(\S+)$/.exec(request.headers['authorization'] ?? '')
  if (match === null) throw invalidArgument('Authorization', '', 'AWS authorization header is invalid.')
  const amzDate = request.headers['x-amz-date']
  const sent = amzDate ?? request.headers['date'] ?? ''
  const time = Number.isNaN(Date.parse(sent)) ? parseAmzDate(sent) : Date.parse(sent)
  if (Number.isNaN(time)) throw accessDenied('AWS authentication requires a valid Date or x-amz-date header')
  compare(request, verifier, match[1] as string, match[2] as string, amzDate === undefined ? sent : '')
  checkClock(time, sent, verifier.now)
}

/** Verifies `?AWSAccessKeyId=&Expires=&Signature=`. */
export function verifyQueryV2(request: S3Request, verifier: Verifier): void {
  const { AWSAccessKeyId: id, Expires: expires, Signature: signature } = request.query
  if (!id || !expires || !signature || !/^\d+$/.test(expires)) {
    throw accessDenied('Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters')
  }
  if (verifier.now > Number(expires) * 1000) {
    throw accessDenied('Request has expired', {
      Expires: new Date(Number(expires) * 1000).toISOString(),
      ServerTime: new Date(verifier.now).toISOString(),
    })
  }
  compare(request, verifier, id, signature, expires)
}
