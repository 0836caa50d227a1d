/** One request as a strict server sees it: the raw parts for the signature, the decoded ones for the operation. */
import type { IncomingMessage } from 'node:http'

/** What every service's request has. */
export interface StrictRequest {
  /** The server's id of this request; hexadecimal. */
  readonly requestId: string
  readonly method: string
  /** Path as on the wire, without the query. */
  readonly rawPath: string
  readonly rawQuery: string
  /** Decoded pairs in the order sent; a parameter without `=` has the value ''. */
  readonly pairs: readonly (readonly [string, string])[]
  /** First value of every parameter. */
  readonly query: Readonly<Record<string, string | undefined>>
  /** Lower-case names; values of repeated headers are joined by a comma. */
  readonly headers: Readonly<Record<string, string>>
  /** The name of the object that the request is about, where there is one. */
  readonly key?: string
  /** Filled in before the operation runs. */
  readonly body: Buffer
}

/** Reads what does not depend on the service; `decode` undoes %XX once and throws the service's own refusal. */
export function readRequest(
  message: IncomingMessage,
  requestId: string,
  decode: (text: string) => string,
): StrictRequest {
  const target = message.url ?? '/'
  const at = target.indexOf('?')
  const rawQuery = at === -1 ? '' : target.slice(at + 1)
  const pairs = queryPairs(rawQuery, decode)
  const query: Record<string, string | undefined> = {}
  for (const [name, value] of pairs) query[name] ??= value
  return {
    requestId,
    method: message.method ?? 'GET',
    rawPath: at === -1 ? target : target.slice(0, at),
    rawQuery,
    pairs,
    query,
    headers: headersOf(message),
    body: Buffer.alloc(0),
  }
}

/** Decoded pairs of a query in the order sent; a plus sign is a blank. */
export function queryPairs(rawQuery: string, decode: (text: string) => string): [string, string][] {
  if (rawQuery === '') return []
  return rawQuery.split('&').map(part => {
    const at = part.indexOf('=')
    const name = at === -1 ? part : part.slice(0, at)
    const value = at === -1 ? '' : part.slice(at + 1)
    return [decode(name.replaceAll('+', ' ')), decode(value.replaceAll('+', ' '))]
  })
}

function headersOf(message: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {}
  for (let index = 0; index < message.rawHeaders.length; index += 2) {
    const name = (message.rawHeaders[index] as string).toLowerCase()
    const value = (message.rawHeaders[index + 1] as string).trim()
    headers[name] = name in headers ? `${headers[name]},${value}` : value
  }
  return headers
}
