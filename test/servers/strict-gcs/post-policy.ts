/** Uploads by HTML form with a signed policy (https://cloud.google.com/storage/docs/xml-api/post-object-forms). */
import { document, element } from '../strict/xml.ts'
import { parseAmzDate } from '../strict-s3/sigv4.ts'
import { needBucket, ownerOf } from './access.ts'
import { expectedByHeaders } from './checksums.ts'
import type { GcsAnswer, Identity, OperationContext } from './context.ts'
import { GcsError, invalid } from './errors.ts'
import { etagOf } from './etag.ts'
import { checkSkew, verifySigned } from './goog4.ts'
import { splitParts } from './mime.ts'
import { segment } from './resource.ts'
import { askedXmlAcl, readHeaders } from './settings.ts'
import { storeObject } from './write.ts'

interface Form {
  /** Lower-case names. */
  readonly fields: Readonly<Record<string, string>>
  readonly file: Buffer
  readonly fileName: string
  readonly fileType: string | undefined
}

function readForm(body: Buffer, contentType: string): Form {
  const fields: Record<string, string> = {}
  for (const part of splitParts(body, contentType, 'multipart/form-data')) {
    const disposition = part.headers['content-disposition'] ?? ''
    const name = /;\s*name="([^"]*)"/i.exec(disposition)?.[1]?.toLowerCase()
    if (name === undefined)
      throw new GcsError(400, 'badRequest', 'A form field has no name.', { xml: 'MalformedPOSTRequest' })
    const fileName = /;\s*filename="([^"]*)"/i.exec(disposition)?.[1] ?? ''
    if (name === 'file') return { fields, file: part.body, fileName, fileType: part.headers['content-type'] }
    fields[name] = part.body.toString('utf8')
  }
  throw invalid('A form has exactly one file, after all other fields.')
}

function need(fields: Form['fields'], name: string): string {
  const value = fields[name]
  if (value !== undefined && value !== '') return value
  throw invalid(`The form has no field ${name}.`)
}

function denied(details: string): GcsError {
  return new GcsError(403, 'forbidden', 'Access denied.', {
    xml: 'AccessDenied',
    Details: `Invalid according to Policy: ${details}`,
  })
}

/** Verifies the signature over the policy. */
function verifyPolicy({ state }: OperationContext, fields: Form['fields']): Identity {
  const policy = need(fields, 'policy')
  const timestamp = need(fields, 'x-goog-date')
  const time = parseAmzDate(timestamp)
  if (Number.isNaN(time)) throw invalid(`Invalid x-goog-date ${timestamp}`)
  const claim = {
    algorithm: need(fields, 'x-goog-algorithm'),
    credential: need(fields, 'x-goog-credential'),
    signature: need(fields, 'x-goog-signature'),
    timestamp,
  }
  const account = verifySigned(claim, () => policy, state)
  if (time > state.now()) checkSkew(time, state.now())
  return { account, scopes: undefined }
}

/** Fields that no condition has to name. */
const free = ['policy', 'x-goog-signature', 'file']

function checkConditions(conditions: readonly unknown[], fields: Form['fields'], size: number): void {
  const seen = new Set(free)
  for (const condition of conditions) {
    const failed = denied(`Policy Condition failed: ${JSON.stringify(condition)}`)
    if (!Array.isArray(condition)) {
      for (const [name, value] of Object.entries(condition as Record<string, string>)) {
        seen.add(name.toLowerCase())
        if (fields[name.toLowerCase()] !== value) throw failed
      }
      continue
    }
    const [kind, first, second] = condition as [string, string | number, string | number]
    if (kind === 'content-length-range') {
      if (size < Number(first))
        throw new GcsError(400, 'invalid', 'Your proposed upload is too small.', { xml: 'EntityTooSmall' })
      if (size > Number(second))
        throw new GcsError(400, 'invalid', 'Your proposed upload is too large.', { xml: 'EntityTooLarge' })
      continue
    }
    const name = String(first).replace(/^\$/, '').toLowerCase()
    const value = fields[name] ?? ''
    seen.add(name)
    if (kind === 'eq' ? value !== second : kind !== 'starts-with' || !value.startsWith(String(second))) throw failed
  }
  const extra = Object.keys(fields).find(name => !seen.has(name) && !name.startsWith('x-ignore-'))
  if (extra !== undefined) throw denied(`Extra input fields: ${extra}`)
}

function checkPolicy(context: OperationContext, fields: Form['fields'], size: number): void {
  let policy: { expiration?: string; conditions?: unknown[] }
  try {
    policy = JSON.parse(Buffer.from(need(fields, 'policy'), 'base64').toString('utf8'))
  } catch {
    throw new GcsError(400, 'invalid', 'Invalid policy document.', { xml: 'InvalidPolicyDocument' })
  }
  const expiration = Date.parse(policy.expiration ?? '')
  if (Number.isNaN(expiration) || !Array.isArray(policy.conditions)) {
    throw new GcsError(400, 'invalid', 'Invalid policy document.', { xml: 'InvalidPolicyDocument' })
  }
  if (expiration < context.state.now()) throw denied('Policy expired.')
  checkConditions(policy.conditions, fields, size)
}

/** POST of a form to a bucket; without a policy it is an anonymous one. */
export function postForm(context: OperationContext): GcsAnswer {
  const { request, state } = context
  const bucket = needBucket(context)
  const form = readForm(request.body, request.headers['content-type'] ?? '')
  const isSigned = form.fields['policy'] !== undefined
  const own = isSigned ? { ...context, identity: verifyPolicy(context, form.fields) } : context
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the service's own placeholder
  const name = need(form.fields, 'key').replaceAll('${filename}', form.fileName)
  if (isSigned) checkPolicy(own, { ...form.fields, key: name, bucket: bucket.name }, form.file.length)
  const { acl, ...rest } = form.fields
  const named = Object.fromEntries(
    Object.entries(rest).map(([field, value]) => [field, Buffer.from(value, 'utf8').toString('latin1')]),
  )
  const change = readHeaders(named)
  change.contentType ??= form.fileType
  const askedAcl = acl === undefined ? {} : { 'x-goog-acl': acl }
  const write = { name, change, acl: askedXmlAcl(askedAcl, ownerOf(own)), conditions: {} }
  const object = storeObject({ ...own, state }, bucket, form.file, write, expectedByHeaders(rest))
  return formAnswer(context, form.fields, name, etagOf(object, 'xml'))
}

function formAnswer(context: OperationContext, fields: Form['fields'], name: string, etag: string): GcsAnswer {
  const { headers, bucket } = context.request
  const redirect = fields['success_action_redirect']
  if (redirect !== undefined && URL.canParse(redirect)) {
    const url = new URL(redirect)
    for (const [parameter, value] of Object.entries({ bucket, key: name, etag })) url.searchParams.set(parameter, value)
    return { status: 303, headers: { location: url.href, etag } }
  }
  const location = `http://${headers['host'] ?? ''}/${bucket}/${name.split('/').map(segment).join('/')}`
  const status = fields['success_action_status']
  if (status !== '201') return { status: status === '200' ? 200 : 204, headers: { location, etag } }
  const inner = element('Location', location) + element('Bucket', bucket) + element('Key', name) + element('ETag', etag)
  const own = { 'content-type': 'application/xml; charset=UTF-8', location, etag }
  return { status: 201, headers: own, body: document('PostResponse', inner) }
}
