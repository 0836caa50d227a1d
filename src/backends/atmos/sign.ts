import type { KeyObject } from 'node:crypto'
import { nodeCrypto } from '../../core/builtin.ts'
import { ImproperlyConfigured } from '../../core/errors.ts'
import { isBase64 } from '../../remote/sign/encode.ts'
import { compare, encodeQuery } from '../../remote/sign/query.ts'

/** A token and its shared secret, which is never printed. It signs requests and shareable URLs. */
export class AtmosKey {
  /** `subtenant/uid`, or only the uid. */
  readonly uid: string
  readonly #key: KeyObject

  /** The secret is in base64. Code `improperly_configured` with `setting`, and never with the text, for any other text. */
  constructor(uid: string, secret: string, setting = 'key') {
    if (!isBase64(secret)) throw new ImproperlyConfigured(`${setting}: ${NO_SECRET}.`)
    this.uid = uid
    this.#key = nodeCrypto().createSecretKey(Buffer.from(secret, 'base64'))
  }

  /** HMAC-SHA1 of a text as UTF-8, in base64. */
  sign(text: string): string {
    return nodeCrypto().createHmac('sha1', this.#key).update(text, 'utf8').digest('base64')
  }
}

/** The message about a secret that is not base64. */
export const NO_SECRET = 'expected the shared secret in base64, as the portal shows it'

/** The parts of a request that the signature covers. */
export interface SignedRequest {
  /** In upper case. */
  readonly method: string
  /** The percent-encoded path, starting at `/rest` unless the service also signs the path before it. */
  readonly path: string
  /** As it is sent, without `?`. */
  readonly query?: string | undefined
  /** Names in lower case. A header that is sent more than once has its values in a list. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
}

/**
 * The text that is signed for a request. The line of `date` is empty if only `x-emc-date` is sent. (Atmos Programmer's Guide, "REST
 * authentication: algorithm")
 */
export function stringToSign({ method, path, query, headers }: SignedRequest): string {
  const lineOf = (name: string): string => [headers[name] ?? ''].flat().join(',')
  const resource = decodeURIComponent(path).toLowerCase() + (query ? `?${query}` : '')
  const lines = [method, lineOf('content-type'), lineOf('range'), lineOf('date'), resource]
  const names = Object.keys(headers).filter(
    name => name.startsWith('x-emc-') && name !== 'x-emc-signature' && headers[name] !== undefined,
  )
  for (const name of names.sort(compare)) lines.push(`${name}:${normalised(lineOf(name))}`)
  return lines.join('\n')
}

/** A header's value for signing: without line feeds, runs of blanks as one blank, no blanks at its ends. */
function normalised(value: string): string {
  return value.replace(/ +/g, ' ').replaceAll('\n', '').trim()
}

/** The request of a shareable URL. */
export interface ShareableUrl {
  /** The percent-encoded path in the form that is signed. */
  readonly path: string
  /** Unix time in seconds. */
  readonly expires: number
  /** The `Content-Disposition` of the answer. */
  readonly disposition?: string | undefined
}

/** The query of a shareable URL, encoded and without `?`. (Atmos Programmer's Guide, "Shareable URLs") */
export function shareableQuery(key: AtmosKey, { path, expires, disposition }: ShareableUrl): string {
  const lines = ['GET', decodeURIComponent(path).toLowerCase(), key.uid, String(expires)]
  if (disposition !== undefined) lines.push(disposition)
  const pairs: Array<readonly [string, string]> = [
    ['uid', key.uid],
    ['expires', String(expires)],
    ['signature', key.sign(lines.join('\n'))],
  ]
  if (disposition !== undefined) pairs.push(['disposition', disposition])
  return encodeQuery(pairs)
}
