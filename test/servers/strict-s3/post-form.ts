/** Browser uploads: POST with a policy (AmazonS3 API reference, "Authenticating in Browser-Based Uploads"). */
import { createHmac } from 'node:crypto'
import { needBucket } from './access.ts'
import type { OperationContext, S3Answer } from './context.ts'
import { accessDenied, document, element, invalidArgument, S3Error } from './errors.ts'
import { putObject } from './objects.ts'
import { checkClock, compareSignatures, findCredentials, parseAmzDate, signingKey } from './sigv4.ts'

interface Form {
  readonly fields: Readonly<Record<string, string>>
  readonly file: Buffer
  readonly fileName: string
}

/** Splits a multipart/form-data body; fields after the file are ignored, as S3 does. */
function parseForm(body: Buffer, contentType: string): Form {
  const boundary = /boundary="?([^";]+)"?/.exec(contentType)?.[1]
  if (boundary === undefined) throw invalidArgument('Content-Type', contentType, 'The boundary is missing')
  const fields: Record<string, string> = {}
  const mark = Buffer.from(`\r\n--${boundary}`)
  const all = Buffer.concat([Buffer.from('\r\n'), body])
  let at = all.indexOf(mark)
  while (at !== -1 && all.toString('latin1', at + mark.length, at + mark.length + 2) === '\r\n') {
    const start = at + mark.length + 2
    const headEnd = all.indexOf('\r\n\r\n', start)
    const end = all.indexOf(mark, headEnd + 2)
    if (headEnd === -1 || end === -1) break
    const head = all.toString('utf8', start, headEnd)
    const content = all.subarray(headEnd + 4, end)
    const name = (/name="([^"]*)"/.exec(head)?.[1] ?? '').toLowerCase()
    if (name === 'file') return { fields, file: content, fileName: /filename="([^"]*)"/.exec(head)?.[1] ?? '' }
    fields[name] = content.toString('utf8')
    at = end
  }
  throw invalidArgument('file', '0', 'POST requires exactly one file upload per request.')
}

function need(fields: Form['fields'], name: string): string {
  const value = fields[name]
  if (value !== undefined) return value
  throw invalidArgument(name, '', `Bucket POST must contain a field named '${name}'.`)
}

/** Verifies the signature over the policy; gives the access key. */
function verifyPolicy(context: OperationContext, fields: Form['fields'], region: string): string {
  const { state } = context
  const policy = need(fields, 'policy')
  if (fields['x-amz-algorithm'] === undefined) {
    const id = need(fields, 'awsaccesskeyid')
    const credentials = findCredentials(state.credentials, id, fields['x-amz-security-token'])
    const expected = createHmac('sha1', credentials.secretAccessKey).update(policy).digest('base64')
    compareSignatures(expected, need(fields, 'signature'), { AWSAccessKeyId: id, StringToSign: policy })
    return id
  }
  const [id = '', date = '', scope = '', service = ''] = need(fields, 'x-amz-credential').split('/')
  const credentials = findCredentials(state.credentials, id, fields['x-amz-security-token'])
  if (scope !== region || service !== 's3') {
    const message = `Error parsing the X-Amz-Credential parameter; the region '${scope}' is wrong; expecting '${region}'`
    throw new S3Error(400, 'AuthorizationQueryParametersError', message, { Region: region })
  }
  const sent = need(fields, 'x-amz-date')
  if (sent.slice(0, 8) !== date) throw accessDenied('Invalid credential date')
  if (parseAmzDate(sent) > state.now()) checkClock(parseAmzDate(sent), sent, state.now())
  const key = signingKey(credentials.secretAccessKey, date, scope, service)
  const expected = createHmac('sha256', key).update(policy).digest('hex')
  compareSignatures(expected, need(fields, 'x-amz-signature'), { AWSAccessKeyId: id, StringToSign: policy })
  return id
}

function checkConditions(conditions: readonly unknown[], fields: Form['fields'], size: number): void {
  const seen = new Set(['policy', 'x-amz-signature', 'signature', 'awsaccesskeyid', 'file'])
  for (const condition of conditions) {
    const failed = accessDenied(`Invalid according to Policy: Policy Condition failed: ${JSON.stringify(condition)}`)
    if (!Array.isArray(condition)) {
      for (const [name, value] of Object.entries(condition as Record<string, string>)) {
        seen.add(name.toLowerCase())
        if (fields[name.toLowerCase()] !== value) throw failed
      }
      continue
    }
    const [kind, first, second] = condition as [string, string | number, string | number]
    if (kind === 'content-length-range') {
      const details = { ProposedSize: String(size), MinSizeAllowed: String(first), MaxSizeAllowed: String(second) }
      if (size < Number(first)) {
        throw new S3Error(
          400,
          'EntityTooSmall',
          'Your proposed upload is smaller than the minimum allowed size',
          details,
        )
      }
      if (size > Number(second)) {
        throw new S3Error(400, 'EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size', details)
      }
      continue
    }
    const name = String(first).replace(/^\$/, '').toLowerCase()
    const value = fields[name] ?? ''
    seen.add(name)
    if (kind === 'eq' ? value !== second : kind !== 'starts-with' || !value.startsWith(String(second))) throw failed
  }
  for (const name of Object.keys(fields)) {
    if (seen.has(name) || name.startsWith('x-ignore-')) continue
    throw accessDenied(`Invalid according to Policy: Extra input fields: ${name}`)
  }
}

/** POST of a form to a bucket. */
export function postForm(context: OperationContext): S3Answer {
  const { request, state } = context
  const bucket = needBucket(context)
  const form = parseForm(request.body, request.headers['content-type'] ?? '')
  const accessKeyId =
    form.fields['policy'] === undefined ? undefined : verifyPolicy(context, form.fields, bucket.region)
  // biome-ignore lint/suspicious/noTemplateCurlyInString: S3's own placeholder
  const key = need(form.fields, 'key').replaceAll('${filename}', form.fileName)
  if (accessKeyId !== undefined) {
    let policy: { expiration?: string; conditions?: unknown[] }
    try {
      policy = JSON.parse(Buffer.from(form.fields['policy'] as string, 'base64').toString('utf8'))
    } catch {
      throw new S3Error(400, 'InvalidPolicyDocument', 'Invalid Policy: Invalid JSON.')
    }
    const expiration = Date.parse(policy.expiration ?? '')
    if (Number.isNaN(expiration)) throw new S3Error(400, 'InvalidPolicyDocument', 'Invalid Policy: Invalid expiration')
    if (expiration < state.now()) throw accessDenied('Invalid according to Policy: Policy expired.')
    checkConditions(policy.conditions ?? [], { ...form.fields, key, bucket: bucket.name }, form.file.length)
  }
  const headers: Record<string, string> = { 'content-length': String(form.file.length) }
  for (const [name, value] of Object.entries(form.fields)) {
    if (name === 'acl') headers['x-amz-acl'] = value
    else if (
      /^(cache-control|content-.*|expires|x-amz-(meta-.*|storage-class|server-side-.*|checksum-.*))$/.test(name)
    ) {
      headers[name] = value
    }
  }
  const stored = putObject({ state, accessKeyId, request: { ...request, key, headers, body: form.file } })
  const location = `http://${request.headers['host'] ?? ''}/${bucket.name}/${key.split('/').map(encodeURIComponent).join('/')}`
  const etag = stored.headers?.['etag'] ?? ''
  const redirect = form.fields['success_action_redirect']
  if (redirect !== undefined && URL.canParse(redirect)) {
    const url = new URL(redirect)
    for (const [name, value] of Object.entries({ bucket: bucket.name, key, etag })) url.searchParams.set(name, value)
    return { status: 303, headers: { location: url.href, etag } }
  }
  const status = form.fields['success_action_status']
  if (status === '201') {
    const inner =
      element('Location', location) + element('Bucket', bucket.name) + element('Key', key) + element('ETag', etag)
    return {
      status: 201,
      headers: { 'content-type': 'application/xml', location, etag },
      body: document('PostResponse', inner),
    }
  }
  return { status: status === '200' ? 200 : 204, headers: { location, etag } }
}
