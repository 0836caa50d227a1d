import { readFileSync } from 'node:fs'
import type { SecureContext } from 'node:tls'
import { nodeTls } from '../core/builtin.ts'
import { ImproperlyConfigured } from '../core/errors.ts'

/** Trusted authorities and client certificate. */
export interface TrustOptions {
  /** `false` accepts any certificate; a string is the path of a PEM file with the only trusted authorities. */
  readonly verify?: boolean | string | null | undefined
  /** PEM file of the client certificate, and of its key where that is in a separate file. */
  readonly clientCert?: string | readonly [certificate: string, key: string] | null | undefined
}

/** Reads the files; a file that cannot be read or used is `improperly_configured`. */
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
