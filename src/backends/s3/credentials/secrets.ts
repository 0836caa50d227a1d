import { type Hide, hiding } from '../../../http/redact.ts'
import type { SigningCredentials } from '../../../remote/sign/query.ts'

/** Headers whose values are secrets. */
const SECRET_HEADERS: readonly string[] = [
  'authorization',
  'x-amz-security-token',
  'x-amz-server-side-encryption-customer-key',
  'x-amz-copy-source-server-side-encryption-customer-key',
]

/** Returns a function that hides the secrets of a request in a service's texts: keys, token, signature, the customer's key, and those of proxies. */
export function hidingSecretsOf(
  headers: Readonly<Record<string, string>>,
  credentials: SigningCredentials | null,
  ofProxies: () => readonly string[],
): Hide {
  // Found only where a text is to be shown.
  let hide: Hide | undefined
  return text => {
    hide ??= hiding([credentials?.secretAccessKey, credentials?.sessionToken, ...secretsIn(headers), ...ofProxies()])
    return hide(text)
  }
}

function secretsIn(headers: Readonly<Record<string, string>>): string[] {
  const secrets: string[] = []
  for (const name of SECRET_HEADERS) {
    const value = headers[name]
    if (value === undefined) continue
    secrets.push(value)
    if (name === 'authorization') secrets.push(signatureOf(value))
    else if (name.endsWith('-key')) secrets.push(Buffer.from(value, 'base64').toString('utf8'))
  }
  return secrets
}

/** What stands behind the name of the keys, in version 4 or 2. */
function signatureOf(authorization: string): string {
  const name = 'Signature='
  const at = authorization.lastIndexOf(name)
  return at < 0 ? authorization.slice(authorization.indexOf(':') + 1) : authorization.slice(at + name.length)
}
