/** Who may do what with an account, a container or an object: tokens, access lists, TempURLs. */
import type { Identity, ServerState } from './context.ts'
import { complaint, failed, unauthorized } from './errors.ts'
import { textOf } from './headers.ts'
import type { SwiftRequest } from './request.ts'
import { checkTempUrl, isTempUrl } from './tempurl.ts'

/** Checks and normalises an access list; 400 for one that Swift does not take. */
export function checkAccessList(value: string, kind: 'read' | 'write'): string {
  const elements = textOf(value)
    .split(',')
    .map(one => one.trim())
    .filter(one => one !== '')
  for (const one of elements) {
    if (!one.startsWith('.')) continue
    if (kind === 'write') throw failed(400, `Referrers not allowed in write ACL: ${one}`)
    if (one === '.rlistings') continue
    if (!/^\.r(ef|eferer|eferrer)?:/.test(one)) throw failed(400, `Unknown designator '${one}' in ACL`)
    const what = one.slice(one.indexOf(':') + 1).replace(/^-/, '')
    if (what === '' || what === '.') throw failed(400, `No host/domain value after referrer designation in ACL: ${one}`)
  }
  return elements.join(',')
}

const READS = ['object.get', 'object.head', 'slo.get']

/** Whether an access list opens an operation to everybody. */
function isPublic(read: string, operation: string, referrer: string): boolean {
  const elements = read.split(',')
  const rules = elements.filter(one => one.startsWith('.r:')).map(one => one.slice(3))
  let isOpen = false
  for (const rule of rules) {
    const isRefusal = rule.startsWith('-')
    const host = (isRefusal ? rule.slice(1) : rule).replace(/^\*(?=\.)/, '')
    const fits = host === '*' || (host.startsWith('.') ? referrer.endsWith(host) : referrer === host)
    if (fits) isOpen = !isRefusal
  }
  if (READS.includes(operation)) return isOpen
  return isOpen && operation === 'container.get' && elements.includes('.rlistings')
}

function hostOf(referrer: string | undefined): string {
  return /^https?:\/\/([^/:]+)/.exec(referrer ?? '')?.[1] ?? 'unknown'
}

/** Who asks, where the operation is allowed. */
export function authorize(request: SwiftRequest, operation: string, state: ServerState): Identity {
  const { account, container, headers } = request
  if (isTempUrl(request)) {
    if (headers['x-auth-token'] !== undefined) throw complaint('a token is sent with a TempURL')
    return { token: undefined, tempUrl: checkTempUrl(request, state) }
  }
  const text = headers['x-auth-token'] ?? headers['x-storage-token']
  if (text !== undefined) {
    const token = state.tokens.find(text, state.now())
    if (token === undefined) throw unauthorized(account)
    if (token.accounts.includes(account)) return { token, tempUrl: undefined }
    throw failed(403)
  }
  const read = state.accounts.get(account)?.containers.get(container)?.read ?? ''
  if (isPublic(read, operation, hostOf(headers['referer']))) return { token: undefined, tempUrl: undefined }
  throw unauthorized(account)
}
