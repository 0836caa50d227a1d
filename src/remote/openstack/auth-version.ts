/** An authentication method. */
export type AuthKind = 'password' | 'apikey' | 'appcred' | 'token'

/** Version of the identity API; 1.1 is that of Rackspace. */
export type AuthVersion = 1 | 1.1 | 2 | 3

/** The authentication method and version that a setting contains; undefined if it contains neither. */
export interface AuthChoice {
  readonly version: AuthVersion | undefined
  readonly kind: AuthKind | undefined
}

/** Spellings of libcloud and swiftclient (`OS_AUTH_TYPE`), in lower case, without their version. */
const KINDS: ReadonlyMap<string, AuthKind> = new Map<string, AuthKind>([
  ['password', 'password'],
  ['apikey', 'apikey'],
  ['api_key', 'apikey'],
  ['appcred', 'appcred'],
  ['applicationcredential', 'appcred'],
  ['application_credential', 'appcred'],
  ['token', 'token'],
])

/**
 * Parses a version or a type of authentication in any spelling of libcloud and swiftclient: `1`, `1.0`, `v2.0`, `2.0_password`,
 * `3.x_appcred`, `v3applicationcredential`, `password`. Throws an `Error` that names an unsupported method, such as `oidc`.
 */
export function parseAuth(raw: unknown): AuthChoice {
  const text = typeof raw === 'number' ? String(raw) : raw
  if (typeof text !== 'string') throw new Error('expected a version such as 1, 2 or 3')
  const [, number, rest = ''] = /^v?(?:(1\.1|[123])(?:\.(?:\d|x))?)?_?(.*)$/.exec(text.trim().toLowerCase()) ?? []
  const version = number === undefined ? undefined : (Number(number) as AuthVersion)
  const kind = rest === '' ? undefined : KINDS.get(rest)
  if (rest !== '' && kind === undefined) throw unsupported(rest)
  if (version === undefined && kind === undefined) throw new Error('expected a version such as 1, 2 or 3')
  const isOdd =
    ((version === 1 || version === 1.1) && kind !== undefined && kind !== 'password') ||
    (version === 2 && kind === 'appcred') ||
    (version === 3 && kind === 'apikey')
  if (isOdd) throw new Error(`version ${version} of the identity API has no ${rest}`)
  return { version, kind }
}

function unsupported(rest: string): Error {
  const known = /oidc|saml|voms|kerberos|totp|oauth|adfs|multifactor|tokenless|k2k/.exec(rest)?.[0]
  if (known === undefined)
    return new Error('expected a version such as 1, 2 or 3, or password, appcred, token or apikey')
  return new Error(`authentication by ${known} is not supported; use a password, an application credential or a token`)
}
