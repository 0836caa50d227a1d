/** The CDN management service of Rackspace (https://docs.rackspace.com/docs/cloud-files/v1/cdn-api-reference), and its public side. */
import type { StrictAnswer } from '../strict/answer.ts'
import type { CdnContainer } from './cdn-list.ts'
import type { Operation, OperationContext, ServerState } from './context.ts'
import { complaint, failed } from './errors.ts'
import { needContainer } from './lookup.ts'
import { readObject } from './read.ts'

const TEXT = { 'content-type': 'text/plain; charset=utf-8' }

/** The public URLs of a container; the secure ones are what a client should prefer. */
export function cdnUris(state: ServerState, { account, name }: CdnContainer): { readonly uri: string; ssl: string } {
  const path = `/cdn-files/${state.cdn.hash(account, name)}`
  const { port } = state.running
  return { uri: `http://127.0.0.1:${port}${path}`, ssl: `https://127.0.0.1:${port}${path}` }
}

function headersOf(state: ServerState, container: CdnContainer): Record<string, string> {
  const { uri, ssl } = cdnUris(state, container)
  const hash = state.cdn.hash(container.account, container.name)
  return {
    ...TEXT,
    'x-cdn-enabled': container.enabled ? 'True' : 'False',
    'x-ttl': String(container.ttl),
    'x-log-retention': container.logRetention ? 'True' : 'False',
    'x-cdn-uri': uri,
    'x-cdn-ssl-uri': ssl,
    'x-cdn-streaming-uri': `http://${hash}.stream.cdn.test`,
    'x-cdn-ios-uri': `http://${hash}.iosr.cdn.test`,
  }
}

function flag(text: string | undefined, header: string): boolean | undefined {
  if (text === undefined) return undefined
  if (/^true$/i.test(text)) return true
  if (/^false$/i.test(text)) return false
  throw complaint(`${header}: ${text}`)
}

/** Sets what the request says. */
function change(container: CdnContainer, { request }: OperationContext): void {
  const { 'x-ttl': ttl, 'x-cdn-enabled': enabled, 'x-log-retention': logs } = request.headers
  if (ttl !== undefined && (!/^\d+$/.test(ttl) || Number(ttl) < 900 || Number(ttl) > 31_536_000)) {
    throw failed(400, 'X-TTL is 900 to 31536000')
  }
  container.enabled = flag(enabled, 'X-CDN-Enabled') ?? container.enabled
  container.logRetention = flag(logs, 'X-Log-Retention') ?? container.logRetention
  container.ttl = ttl === undefined ? container.ttl : Number(ttl)
}

function need({ state, request }: OperationContext): CdnContainer {
  const found = state.cdn.find(request.account, request.container)
  if (found === undefined) throw failed(404)
  return found
}

function list({ state, request }: OperationContext): StrictAnswer {
  const all = state.cdn.of(request.account)
  const shown = request.query['enabled_only'] === 'true' ? all.filter(one => one.enabled) : all
  if (request.query['format'] !== 'json') {
    if (shown.length === 0) return { status: 204, headers: TEXT }
    return { status: 200, headers: TEXT, body: shown.map(({ name }) => `${name}\n`).join('') }
  }
  const rows = shown.map(one => {
    const { uri, ssl } = cdnUris(state, one)
    const { name, enabled, ttl, logRetention } = one
    return { name, cdn_enabled: enabled, ttl, log_retention: logRetention, cdn_uri: uri, cdn_ssl_uri: ssl }
  })
  return { status: 200, headers: { 'content-type': 'application/json; charset=utf-8' }, body: JSON.stringify(rows) }
}

/** A file by its public URL: nobody is asked who he is. */
function file(context: OperationContext): StrictAnswer {
  const { state, request } = context
  const found = state.cdn.byHash(request.container)
  if (found === undefined || !found.enabled) throw failed(404)
  const inside = { ...context, request: { ...request, account: found.account, container: found.name } }
  needContainer(inside)
  const answer = readObject(inside)
  return { ...answer, headers: { ...answer.headers, 'cache-control': `public, max-age=${found.ttl}` } }
}

/** The operations by name. */
export const cdnOperations: Readonly<Record<string, Operation>> = {
  'cdn.list': list,
  'cdn.head': context => ({ status: 204, headers: headersOf(context.state, need(context)) }),
  'cdn.put'(context) {
    const { state, request } = context
    const found = state.cdn.find(request.account, request.container)
    const container = found ?? state.cdn.add(request.account, request.container)
    change(container, context)
    return { status: found === undefined ? 201 : 202, headers: headersOf(state, container) }
  },
  'cdn.post'(context) {
    const container = need(context)
    change(container, context)
    return { status: 202, headers: headersOf(context.state, container) }
  },
  'cdn.delete'({ state, request }) {
    if (!state.cdn.remove(request.account, request.container)) throw failed(404)
    return { status: 204, headers: TEXT }
  },
  'cdn.purge'(context) {
    const { account, name } = need(context)
    context.state.cdn.purges.push(`${account}/${name}/${context.request.key}`)
    return { status: 204, headers: TEXT }
  },
  'cdn.file': file,
}
