/** Many deletions by one request: lists of names, and a manifest with its segments. */
import type { StrictAnswer } from '../strict/answer.ts'
import type { OperationContext } from './context.ts'
import { complaint, failed, SwiftError, statusLine } from './errors.ts'
import { needContainer, objectAt } from './lookup.ts'
import { removeObject } from './write.ts'

interface Outcome {
  status: string
  body: string
  deleted: number
  missing: number
  readonly errors: (readonly [name: string, what: string])[]
}

function answered({ state, request }: OperationContext, outcome: Outcome): StrictAnswer {
  const { status, body, deleted, missing, errors } = outcome
  const start = state.options.heartbeats === true ? '  \r\n\r\n' : ''
  const accept = request.headers['accept'] ?? '*/*'
  if (accept === 'application/json') {
    const value = {
      'Response Status': status,
      'Response Body': body,
      'Number Deleted': deleted,
      'Number Not Found': missing,
      Errors: errors,
    }
    return { status: 200, headers: { 'content-type': 'application/json' }, body: start + JSON.stringify(value) }
  }
  if (!/^(\*\/\*|text\/plain)(,|;|$)/.test(accept)) throw complaint(`a bulk answer as ${accept}`)
  const lines = [
    `Number Deleted: ${deleted}`,
    `Number Not Found: ${missing}`,
    `Response Body: ${body}`,
    `Response Status: ${status}`,
    'Errors:',
    ...errors.map(([name, what]) => `${name}, ${what}`),
  ]
  return { status: 200, headers: { 'content-type': 'text/plain' }, body: `${start}${lines.join('\n')}\n` }
}

/** Deletes one container or object and counts it. */
function deleteOne(context: OperationContext, path: string, outcome: Outcome): void {
  const [name = '', ...rest] = path.replace(/^\/+/, '').split('/')
  const key = rest.join('/')
  const account = context.state.accounts.get(context.request.account)
  try {
    const container = needContainer({ ...context, request: { ...context.request, container: name } })
    if (key !== '') removeObject(context.state, container, key)
    else if (container.objects.size > 0) throw failed(409)
    else account?.containers.delete(name)
    outcome.deleted++
  } catch (error) {
    if (!(error instanceof SwiftError)) throw error
    if (error.status === 404) outcome.missing++
    else outcome.errors.push([encodeName(path), statusLine(error.status)])
  }
}

function encodeName(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/')
}

function conclude(outcome: Outcome): void {
  if (outcome.errors.length > 0) outcome.status = statusLine(400)
  else if (outcome.deleted + outcome.missing === 0) {
    outcome.status = statusLine(400)
    outcome.body = 'Invalid bulk delete.'
  }
}

function decodeLine(line: string): string {
  if (!/^[!-~]*$/.test(line) || /%(?![0-9A-Fa-f]{2})/.test(line)) throw complaint(`a name is not encoded: ${line}`)
  const text = decodeURIComponent(line)
  if (!text.replace(/^\//, '')) throw complaint('an empty name')
  return text
}

/** `POST ?bulk-delete`: the status is 200 whatever became of the names. */
export function bulkDelete(context: OperationContext): StrictAnswer {
  const { state, request } = context
  const { headers, body } = request
  if (!state.features.bulk) throw complaint('a bulk delete on a server that cannot')
  if (!/^text\/plain(;|$)/.test(headers['content-type'] ?? '')) throw complaint('a bulk delete that is no text/plain')
  const outcome: Outcome = { status: statusLine(200), body: '', deleted: 0, missing: 0, errors: [] }
  const lines = body
    .toString('utf8')
    .split('\n')
    .filter(line => line.trim() !== '')
  const { maxDeletes, maxFailedDeletes, maxObjectName, maxContainerName } = state.limits
  if (lines.length > maxDeletes) {
    outcome.status = statusLine(413)
    outcome.body = `Maximum Bulk Deletes: ${maxDeletes} per request`
    return answered(context, outcome)
  }
  if (lines.some(line => line.length > 2 * (maxObjectName + maxContainerName + 2))) {
    outcome.status = statusLine(400)
    outcome.body = 'Invalid File Name'
    return answered(context, outcome)
  }
  const names = lines.map(line => decodeLine(line.trim()))
  const isObject = (name: string): boolean => name.replace(/^\/+|\/+$/g, '').includes('/')
  for (const name of [...names.filter(isObject), ...names.filter(one => !isObject(one))]) {
    const planned = state.bulkFailures.get(name.replace(/^\/+/, ''))
    if (planned === undefined) deleteOne(context, name, outcome)
    else outcome.errors.push([encodeName(name), statusLine(planned)])
    if (outcome.errors.length < maxFailedDeletes) continue
    outcome.status = statusLine(400)
    outcome.body = 'Max delete failures exceeded'
    return answered(context, outcome)
  }
  conclude(outcome)
  return answered(context, outcome)
}

/** `DELETE ?multipart-manifest=delete`: the segments, then the manifest. */
export function deleteManifest(context: OperationContext): StrictAnswer {
  const { state, request } = context
  if (!state.features.slo) throw complaint('multipart-manifest=delete to a server without SLO')
  const outcome: Outcome = { status: statusLine(200), body: '', deleted: 0, missing: 0, errors: [] }
  const queue = [{ path: `/${request.container}/${request.key}`, isManifest: true }]
  for (let one = queue.shift(); one !== undefined; one = queue.shift()) {
    const { path, isManifest } = one
    if (!isManifest) {
      deleteOne(context, path, outcome)
      continue
    }
    const object = objectAt(context, path)
    if (object === undefined) outcome.missing++
    else if (object.slo === undefined) outcome.errors.push([encodeName(path), 'Not an SLO manifest'])
    else {
      queue.push(...object.slo.segments.map(({ name, isSlo }) => ({ path: name, isManifest: isSlo })))
      queue.push({ path, isManifest: false })
    }
  }
  conclude(outcome)
  return answered(context, outcome)
}
