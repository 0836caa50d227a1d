/** Temporary URLs (https://docs.openstack.org/swift/latest/api/temporary_url_middleware.html). */
import { createHmac } from 'node:crypto'
import { BlockList, isIPv4 } from 'node:net'
import type { ServerState, TempUrlGrant } from './context.ts'
import { failed, type SwiftError } from './errors.ts'
import { textOf } from './headers.ts'
import type { SwiftRequest } from './request.ts'

/** Whether a request comes by a temporary URL. */
export function isTempUrl({ query }: SwiftRequest): boolean {
  return query['temp_url_sig'] !== undefined || query['temp_url_expires'] !== undefined
}

function invalid(): SwiftError {
  return failed(401, '401 Unauthorized: Temp URL invalid\n', { 'www-authenticate': 'Swift realm="unknown"' })
}

/** The digest's name and the signature in hex. */
function readSignature(text: string): readonly [digest: string, hex: string] {
  const named = /^(sha1|sha256|sha512):(.+)$/.exec(text)
  if (named !== null) {
    const [, digest = '', encoded = ''] = named
    if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(encoded)) throw invalid()
    return [digest, Buffer.from(encoded, 'base64').toString('hex')]
  }
  const digest = { 40: 'sha1', 64: 'sha256', 128: 'sha512' }[text.length]
  if (digest === undefined || !/^[0-9a-f]+$/.test(text)) throw invalid()
  return [digest, text]
}

/** Unix seconds, of a number or of one of three forms of a date; 0 for anything else. */
function readExpiry(text: string): number {
  if (/^\d+$/.test(text)) return Number(text)
  const date = /^(\d{4}-\d\d-\d\d)(T\d\d:\d\d:\d\dZ)$/.exec(text)
  return date === null ? 0 : Date.parse(text) / 1000
}

/** Whether an address lies in `a.b.c.d` or `a.b.c.d/bits`. */
function isWithin(range: string, address: string): boolean {
  const [net = '', bits = '32'] = range.split('/')
  if (!isIPv4(net) || !/^\d{1,2}$/.test(bits)) return false
  const list = new BlockList()
  list.addSubnet(net, Number(bits), 'ipv4')
  return list.check(address, 'ipv4')
}

/** The keys of the account, then those of the container. */
function keysOf(request: SwiftRequest, state: ServerState): string[] {
  const account = state.accounts.get(request.account)
  const container = account?.containers.get(request.container)
  const names = ['temp-url-key', 'temp-url-key-2']
  const found = [
    ...names.map(name => account?.meta.get(`x-account-meta-${name}`)),
    ...names.map(name => container?.meta.get(`x-container-meta-${name}`)),
  ]
  return found.filter(key => key !== undefined && key !== '').map(key => textOf(key as string))
}

const FORBIDDEN = ['x-object-manifest', 'x-copy-from', 'x-copy-from-account', 'x-symlink-target']

/** Checks the signature; 401 for any that is not good. */
export function checkTempUrl(request: SwiftRequest, state: ServerState): TempUrlGrant {
  const { query, method, account, container, key, headers, message } = request
  if (!state.features.tempurl) throw failed(401)
  const [digest, signature] = readSignature(query['temp_url_sig'] ?? '')
  if (!state.digests.includes(digest)) throw invalid()
  const expires = readExpiry(query['temp_url_expires'] ?? '')
  if (expires * 1000 < state.now() || key === '') throw invalid()
  const range = query['temp_url_ip_range']
  const address = (message.socket.remoteAddress ?? '').replace(/^::ffff:/, '')
  if (range !== undefined && !isWithin(range, address)) throw invalid()
  const prefix = query['temp_url_prefix']
  if (prefix !== undefined && !key.startsWith(prefix)) throw invalid()
  const path = `${prefix === undefined ? '' : 'prefix:'}/v1/${account}/${container}/${prefix ?? key}`
  const methods = method === 'HEAD' ? ['HEAD', 'GET', 'POST', 'PUT'] : [method]
  const isGood = keysOf(request, state).some(secret =>
    methods.some(one => {
      const lines = [...(range === undefined ? [] : [`ip=${range}`]), one, String(expires), path]
      return createHmac(digest, secret).update(lines.join('\n')).digest('hex') === signature
    }),
  )
  if (!isGood) throw invalid()
  const forbidden = method === 'GET' || method === 'HEAD' ? undefined : FORBIDDEN.find(name => name in headers)
  if (forbidden !== undefined) throw failed(400, `The header '${forbidden}' is not allowed in this tempurl`)
  return { expiresSecs: expires, filename: query['filename'], inline: query['inline'] !== undefined }
}

/** The headers that a temporary URL puts on a good answer to a read. */
export function tempUrlHeaders(
  grant: TempUrlGrant,
  name: string,
  headers: Readonly<Record<string, string>>,
): Record<string, string> {
  const kept = Object.entries(headers).filter(
    ([header]) => !header.startsWith('x-object-meta-') || header.startsWith('x-object-meta-public-'),
  )
  const disposition = (kind: string, filename: string): string => {
    const encoded = encodeURIComponent(filename)
      .replace(/[!'()*]/g, found => `%${found.charCodeAt(0).toString(16).toUpperCase()}`)
      .replaceAll('%2F', '/')
    return `${kind}; filename="${encoded.replaceAll('%20', ' ')}"; filename*=UTF-8''${encoded}`
  }
  const { inline, filename, expiresSecs } = grant
  let value: string
  if (inline) value = filename === undefined || filename === '' ? 'inline' : disposition('inline', filename)
  else if (filename !== undefined && filename !== '') value = disposition('attachment', filename)
  else value = headers['content-disposition'] ?? disposition('attachment', name.slice(name.lastIndexOf('/') + 1))
  const expires = new Date(expiresSecs * 1000).toUTCString()
  return { ...Object.fromEntries(kept), 'content-disposition': value, expires }
}
