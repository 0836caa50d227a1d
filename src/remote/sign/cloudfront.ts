import type { KeyObject } from 'node:crypto'
import { nodeCrypto } from '../../core/builtin.ts'
import { ImproperlyConfigured, StorageError } from '../../core/errors.ts'

/** A CloudFront key pair. */
export interface CloudFrontKey {
  /** The public key's id in CloudFront: `AWS_CLOUDFRONT_KEY_ID`. */
  readonly keyId: string
  /** The RSA private key as PEM: `AWS_CLOUDFRONT_KEY`. */
  readonly privateKey: string | Uint8Array
  readonly passphrase?: string | undefined
}

/** The validity of a URL: its end, and optionally its start and an IP range. An end alone makes a canned policy, more a custom one. */
export interface CloudFrontLimits {
  readonly expiresAt: Date
  readonly startsAt?: Date | undefined
  /** One IPv4 address or a CIDR block. */
  readonly ipAddress?: string | undefined
}

/** A custom policy as the JSON text that is signed. */
export interface CloudFrontPolicy {
  readonly policy: string
}

/** The three cookies of CloudFront, by name. */
export type CloudFrontCookies = Readonly<Record<string, string>>

/** Signs URLs and cookies of a CloudFront distribution by RSA-SHA1 (https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-signed-urls.html). */
export class CloudFrontSigner {
  readonly keyId: string
  readonly #key: KeyObject

  /** Code `improperly_configured` if the key is not an RSA private key in PEM; the message never contains the key. */
  constructor(key: CloudFrontKey) {
    this.keyId = key.keyId
    this.#key = readKey(key)
  }

  /**
   * Signs an encoded URL, which may have a query. Code `invalid_argument` for a URL with characters other than printable ASCII, and for one
   * with `*` if it needs a custom policy, in which `*` is a wildcard.
   */
  url(url: string, limits: CloudFrontLimits | CloudFrontPolicy): string {
    checkUrl(url)
    const { policy, expires } = policyOf(url, limits)
    const first = expires === undefined ? `Policy=${urlSafe(Buffer.from(policy))}` : `Expires=${expires}`
    const mark = url.includes('?') ? '&' : '?'
    return `${url}${mark}${first}&Signature=${this.#sign(policy)}&Key-Pair-Id=${encodeURIComponent(this.keyId)}`
  }

  /** The cookies for a URL, or with a policy for its `Resource`: `CloudFront-Expires` or `-Policy`, `-Signature`, `-Key-Pair-Id`. */
  cookies(url: string, limits: CloudFrontLimits | CloudFrontPolicy): CloudFrontCookies {
    checkUrl(url)
    const { policy, expires } = policyOf(url, limits)
    const first: CloudFrontCookies =
      expires === undefined
        ? { 'CloudFront-Policy': urlSafe(Buffer.from(policy)) }
        : { 'CloudFront-Expires': String(expires) }
    return { ...first, 'CloudFront-Signature': this.#sign(policy), 'CloudFront-Key-Pair-Id': this.keyId }
  }

  #sign(policy: string): string {
    return urlSafe(nodeCrypto().sign('sha1', Buffer.from(policy), this.#key))
  }
}

function readKey(key: CloudFrontKey): KeyObject {
  const pem = typeof key.privateKey === 'string' ? key.privateKey : Buffer.from(key.privateKey)
  const { passphrase } = key
  let parsed: KeyObject
  try {
    parsed = nodeCrypto().createPrivateKey(passphrase === undefined ? { key: pem } : { key: pem, passphrase })
  } catch {
    throw new ImproperlyConfigured('AWS_CLOUDFRONT_KEY is not a readable private key in PEM')
  }
  if (parsed.asymmetricKeyType === 'rsa') return parsed
  throw new ImproperlyConfigured(`AWS_CLOUDFRONT_KEY must be an RSA key, not ${parsed.asymmetricKeyType}`)
}

function policyOf(url: string, limits: CloudFrontLimits | CloudFrontPolicy): { policy: string; expires?: number } {
  if ('policy' in limits) return { policy: limits.policy }
  const policy = policyText(url, limits)
  if (!limits.startsAt && !limits.ipAddress) return { policy, expires: epoch(limits.expiresAt, 'expiresAt') }
  if (!url.includes('*')) return { policy }
  throw new StorageError(
    'invalid_argument',
    "'*' in the URL of a custom policy must be written %2A, or be in a policy of your own",
  )
}

/** The policy for a URL as the JSON text that is signed. `*` in the URL matches any characters. */
export function policyText(url: string, { expiresAt, startsAt, ipAddress }: CloudFrontLimits): string {
  const condition: Record<string, unknown> = { DateLessThan: { 'AWS:EpochTime': epoch(expiresAt, 'expiresAt') } }
  if (startsAt) condition['DateGreaterThan'] = { 'AWS:EpochTime': epoch(startsAt, 'startsAt') }
  if (ipAddress) condition['IpAddress'] = { 'AWS:SourceIp': cidr(ipAddress) }
  return JSON.stringify({ Statement: [{ Resource: url, Condition: condition }] })
}

function epoch(date: Date, what: string): number {
  const seconds = Math.round(date.getTime() / 1000)
  if (seconds > 0 && seconds <= MAX_EPOCH) return seconds
  throw new StorageError('invalid_argument', `${what} is not a date from 1970 to January 2038`)
}

/** The last second that CloudFront accepts. */
const MAX_EPOCH = 2_147_483_647

function cidr(address: string): string {
  const [ip = '', mask = '32', ...rest] = address.split('/')
  const octets = ip.split('.')
  const isAddress = octets.length === 4 && octets.every(octet => isNumber(octet, 255))
  if (isAddress && isNumber(mask, 32) && rest.length === 0) return `${ip}/${mask}`
  throw new StorageError('invalid_argument', `'${address}' is not an IPv4 address or CIDR block`)
}

function isNumber(text: string, max: number): boolean {
  return /^\d{1,3}$/.test(text) && Number(text) <= max
}

function checkUrl(url: string): void {
  if (/^[!-~]+$/.test(url)) return
  throw new StorageError('invalid_argument', 'a URL must be percent-encoded before CloudFront signs it')
}

function urlSafe(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('+', '-').replaceAll('=', '_').replaceAll('/', '~')
}
