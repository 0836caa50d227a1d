import { type Hide, hiding } from './redact.ts'

/** The secrets of a request. */
export interface RequestSecrets {
  readonly headers: Readonly<Record<string, string>>
  /**
   * Names of headers whose values are secrets, besides `authorization`. For names that end in `-key`, the decoded base64 is also a secret.
   */
  readonly names: readonly string[]
  /** Other secrets used to make the request: keys, tokens. */
  readonly others: ReadonlyArray<string | undefined>
  /** Secrets of the HTTP client, such as passwords of proxies. */
  ofClient(): readonly string[]
}

/** Returns a function that hides the secrets of a request, including its signature, in a service's texts. */
export function hidingSecrets({ headers, names, others, ofClient }: RequestSecrets): Hide {
  // Made only when a text is shown.
  let hide: Hide | undefined
  return text => {
    hide ??= hiding([...others, ...secretsIn(headers, names), ...ofClient()])
    return hide(text)
  }
}

function secretsIn(headers: Readonly<Record<string, string>>, names: readonly string[]): string[] {
  const secrets: string[] = []
  for (const name of ['authorization', ...names]) {
    const value = headers[name]
    if (value === undefined) continue
    secrets.push(value)
    if (name === 'authorization') secrets.push(signatureOf(value))
    else if (name.endsWith('-key')) secrets.push(Buffer.from(value, 'base64').toString('utf8'))
  }
  return secrets
}

/** The text after the name of the keys (`Signature=...`, `name:...`), or after the scheme of a token. */
function signatureOf(authorization: string): string {
  const name = 'Signature='
  const at = authorization.lastIndexOf(name)
  if (at >= 0) return authorization.slice(at + name.length)
  const colon = authorization.indexOf(':')
  return authorization.slice(colon < 0 ? authorization.indexOf(' ') + 1 : colon + 1)
}
