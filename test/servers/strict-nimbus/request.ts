/** One request as the server sees it: its host, and which operation its whole URL asks for. */
import type { IncomingMessage } from 'node:http'
import { readRequest, type StrictRequest } from '../strict/request.ts'
import { NimbusError } from './errors.ts'

/** A parsed request. */
export interface NimbusRequest extends StrictRequest {
  readonly operation: string
  /** Of the host, or of a path of the management. */
  readonly collection: string
  /** Of a path of the management. */
  readonly username: string
  readonly key: string
  /** Of the URL where it is part of an operation's form. */
  readonly conjoinedIdentifier: string
}

type Form = readonly [operation: string, form: RegExp]

const CUSTOMER = '^/customers/(?<username>[a-zA-Z0-9-]+)/collections'
const COLLECTION = `${CUSTOMER}/(?<collection>[a-zA-Z0-9-]+)`
const KEY = String.raw`(?<key>[^\s?]+)`
const FINISH = (action: string): RegExp =>
  new RegExp(String.raw`^/conjoined/${KEY}\?action=${action}&conjoined_identifier=(?<id>[^&\s]+)$`)

/** Forms of URLs on the host of the service itself, by method; the first that fits is meant. */
const MANAGEMENT: Readonly<Record<string, readonly Form[]>> = {
  GET: [
    ['ListCollections', new RegExp(`${CUSTOMER}$`)],
    ['GetCollection', new RegExp(`${COLLECTION}$`)],
    ['SpaceUsage', new RegExp(String.raw`${COLLECTION}\?action=space_usage(?:&days_of_history=\d+)?$`)],
  ],
  POST: [
    ['CreateCollection', new RegExp(String.raw`${CUSTOMER}\?action=create&name=(?<collection>[^&]*)$`)],
    ['DeleteCollection', new RegExp(String.raw`${COLLECTION}\?action=delete$`)],
  ],
  PUT: [
    ['SetVersioning', new RegExp(String.raw`${COLLECTION}\?versioning=(?:True|False)$`)],
    ['SetAccessControl', new RegExp(String.raw`${COLLECTION}\?access_control=update$`)],
    ['UnknownAttribute', new RegExp(String.raw`${COLLECTION}\?.*$`)],
  ],
  DELETE: [['DeleteCollection', new RegExp(`${COLLECTION}$`)]],
}

/** Forms of URLs on the host of a collection. */
const DATA: Readonly<Record<string, readonly Form[]>> = {
  GET: [
    ['ListVersions', /^\/\?versions(?:&.*)?$/],
    ['ListKeys', /^\/data\/(?:\?.*)?$/],
    ['RetrieveMeta', new RegExp(String.raw`^/data/${KEY}\?action=meta$`)],
    ['RetrieveKey', new RegExp(String.raw`^/data/${KEY}(?:\?.*)?$`)],
    ['ListConjoined', /^\/conjoined\/(?:\?.*)?$/],
  ],
  POST: [
    ['DeleteKey', new RegExp(String.raw`^/data/${KEY}\?action=delete(?:&.*)?$`)],
    ['ArchiveKey', new RegExp(String.raw`^/data/${KEY}(?:\?.*)?$`)],
    ['StartConjoined', new RegExp(String.raw`^/conjoined/${KEY}\?action=start$`)],
    ['FinishConjoined', FINISH('finish')],
    ['AbortConjoined', FINISH('abort')],
  ],
  DELETE: [['DeleteKey', new RegExp(String.raw`^/data/${KEY}(?:\?.*)?$`)]],
  // What comes after the question mark is part of the key here.
  HEAD: [['HeadKey', /^\/data\/(?<key>\S+)$/]],
}

/** Undoes `+` and %XX as Python's unquote_plus does: what is no escape stays as it is. */
export function unquotePlus(text: string): Buffer {
  const parts = text.replaceAll('+', ' ').split(/(%[0-9a-fA-F]{2})/)
  return Buffer.concat(
    parts.map(part => (/^%[0-9a-fA-F]{2}$/.test(part) ? Buffer.from(part.slice(1), 'hex') : Buffer.from(part))),
  )
}

/** As text; 503 where that is not UTF-8. */
export function unquoted(text: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(unquotePlus(text))
  } catch {
    throw new NimbusError(503, 'This is not UTF-8.')
  }
}

/** Reads a request; 404 for a host or a URL that there is not. */
export function parseRequest(
  message: IncomingMessage,
  requestId: string,
  { domain, decodesTwice }: { readonly domain: string; readonly decodesTwice: boolean },
): NimbusRequest {
  const decode = (text: string): string => (decodesTwice ? unquoted(unquoted(text)) : unquoted(text))
  const request = readRequest(message, requestId, decode)
  const host = (request.headers['host'] ?? '').replace(/:\d+$/, '').toLowerCase()
  const isManagement = host === domain
  const [, name = ''] = host.endsWith(`.${domain}`)
    ? (/^([a-z0-9-]+)$/.exec(host.slice(0, -domain.length - 1)) ?? [])
    : []
  if (!isManagement && name === '') throw new NimbusError(404, `There is no host ${host}.`)
  const target = message.url ?? '/'
  for (const [operation, form] of (isManagement ? MANAGEMENT : DATA)[request.method] ?? []) {
    const match = form.exec(target)
    if (match === null) continue
    const { username = '', collection = name, key = '', id = '' } = match.groups ?? {}
    return {
      ...request,
      operation,
      username,
      collection: isManagement ? unquoted(collection) : name,
      key: unquoted(key),
      conjoinedIdentifier: decode(id),
    }
  }
  throw new NimbusError(404, `There is no ${request.method} ${target}.`)
}
