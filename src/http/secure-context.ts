import { readFileSync } from 'node:fs'
import type { SecureContext } from 'node:tls'
import { nodeTls } from '../core/builtin.ts'
import { ImproperlyConfigured } from '../core/errors.ts'

/** Whom to trust, and what to show to servers. */
export interface TrustOptions {
  /** A path is that of a PEM file of the only authorities to trust. */
  readonly verify?: boolean | string | null | undefined
  /** PEM file of a certificate, and of its key where that has a file of its own. */
  readonly clientCert?: string | readonly [certificate: string, key: string] | null | undefined
}

/** Reads the files; one that cannot be read or used is `improperly_configured`. */
export function secureContextOf({ verify, clientCert }: TrustOptions): SecureContext {
  const [cert, key = cert] = typeof clientCert === 'string' ? [clientCert] : (clientCert ?? [])
  const ca = pem('verify: the CA file', typeof verify === 'string' && verify !== '' ? verify : undefined)
  const own = { cert: pem('clientCert: the file', cert), key: pem('clientCert: the file', key) }
  try {
    return nodeTls().createSecureContext({ ca, ...own })
  } catch (cause) {
    const text = `clientCert: '${cert}' has no certificate and key that belong together.`
    throw new ImproperlyConfigured(text, { cause })
  }
}

function pem(what: string, path: string | undefined): Buffer | undefined {
  try {
    return path === undefined ? undefined : readFileSync(path)
  } catch (cause) {
    throw new ImproperlyConfigured(`${what} '${path}' cannot be read.`, { cause })
  }
}
