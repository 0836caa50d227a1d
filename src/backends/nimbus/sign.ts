import { nodeCrypto } from '../../core/builtin.ts'
import { decodeForm } from '../../remote/sign/encode.ts'

/** The credentials that requests are signed with. */
export interface NimbusKey {
  readonly user: string
  /** The number of the key. */
  readonly keyId: string
  /** Used unchanged, although it looks like base64. */
  readonly key: string
}

/** The parts of a request that are signed. */
export interface SignedParts {
  readonly method: string
  /** Path and query in the form that is sent, percent-encoded. */
  readonly uri: string
  /** Seconds since 1970. */
  readonly timestamp: number
}

/**
 * The signature in hex: HMAC-SHA256 of user, method, timestamp and the decoded path and query, one per line. The host is not signed. (nimbus.io
 * developer's guide, "Authentication"; tools/sql_authenticator.py)
 */
export function signature({ user, key }: NimbusKey, { method, uri, timestamp }: SignedParts): string {
  const text = `${user}\n${method}\n${timestamp}\n${decodeForm(uri)}`
  return nodeCrypto().createHmac('sha256', key).update(text, 'utf8').digest('hex')
}

/** The headers that carry a signature. */
export function signedHeaders(key: NimbusKey, parts: SignedParts): Record<string, string> {
  return {
    authorization: `NIMBUS.IO ${key.keyId}:${signature(key, parts)}`,
    'x-nimbus-io-timestamp': String(parts.timestamp),
  }
}
