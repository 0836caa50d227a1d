import type { KeyObject } from 'node:crypto'
import { nodeCrypto } from '../../../core/builtin.ts'
import { ImproperlyConfigured } from '../../../core/errors.ts'

/** The scopes of a token: the bucket, and signing with the IAM service. (https://cloud.google.com/storage/docs/oauth-scopes) */
export const SCOPES: readonly string[] = [
  'https://www.googleapis.com/auth/devstorage.full_control',
  'https://www.googleapis.com/auth/cloud-platform',
]

/** Seconds in which a signed request for a token is valid; Google allows an hour. */
const GRANT_SECS = 3600

/** The private key of a service account. */
export class ServiceAccountKey {
  readonly email: string
  readonly #keyId: string | undefined
  readonly #key: KeyObject

  /** Code `improperly_configured` if the key is not an RSA key in PEM. The message contains no part of the key. */
  constructor(email: string, pem: string, keyId: string | undefined) {
    this.email = email
    this.#keyId = keyId
    this.#key = readKey(pem)
  }

  /** RSA-SHA256 of a text as UTF-8. */
  sign(text: string): Buffer {
    return nodeCrypto().sign('RSA-SHA256', Buffer.from(text), this.#key)
  }

  /**
   * The assertion that is exchanged for a token at `audience`. (RFC 7523;
   * https://developers.google.com/identity/protocols/oauth2/service-account)
   */
  assertion(audience: string, now: Date): string {
    const at = Math.floor(now.getTime() / 1000)
    const header = { alg: 'RS256', typ: 'JWT', kid: this.#keyId }
    const claims = { iss: this.email, scope: SCOPES.join(' '), aud: audience, iat: at, exp: at + GRANT_SECS }
    const text = [header, claims].map(part => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
    return `${text}.${this.sign(text).toString('base64url')}`
  }
}

function readKey(pem: string): KeyObject {
  let key: KeyObject
  try {
    // Keys from an environment variable have their line feeds written as `\n`.
    key = nodeCrypto().createPrivateKey(pem.replaceAll('\\n', '\n'))
  } catch {
    throw new ImproperlyConfigured("GS_CREDENTIALS: 'private_key' is not a readable private key in PEM")
  }
  if (key.asymmetricKeyType === 'rsa') return key
  throw new ImproperlyConfigured(`GS_CREDENTIALS: 'private_key' must be an RSA key, not ${key.asymmetricKeyType}`)
}
