import { ImproperlyConfigured, StorageError } from '../../../core/errors.ts'
import { importOptional } from '../../../core/optional.ts'
import { textOf } from '../../../remote/answers.ts'
import { type AccessToken, type AuthService, grantedToken } from '../../../remote/auth-service.ts'
import type { CredentialsFile, TokenClient } from './given.ts'
import { SCOPES, type ServiceAccountKey } from './key.ts'

const TOKEN_URL = 'https://oauth2.googleapis.com/token'
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

/** Requests a token with a signed assertion. (RFC 7523, section 2.1) */
export function keyToken(auth: AuthService, key: ServiceAccountKey, file: CredentialsFile): Promise<AccessToken> {
  const url = tokenUrlOf(file)
  const assertion = key.assertion(url, new Date())
  return grantedToken(auth, `The token of ${key.email}`, url, { grant_type: JWT_BEARER, assertion }, [assertion])
}

/** Requests a token with a user's refresh token. (RFC 6749, section 6) */
export function userToken(auth: AuthService, file: CredentialsFile): Promise<AccessToken> {
  const { client_id, client_secret, refresh_token } = file as Readonly<Record<string, string>>
  const form = { grant_type: 'refresh_token', client_id, client_secret, refresh_token } as Record<string, string>
  return grantedToken(auth, "The user's token", tokenUrlOf(file), form, [client_secret, refresh_token])
}

/** The address in a file that issues tokens. */
function tokenUrlOf({ token_uri: given }: CredentialsFile): string {
  const url = textOf(given) ?? TOKEN_URL
  const { protocol, hostname } = URL.canParse(url) ? new URL(url) : { protocol: '', hostname: '' }
  const isLocal = /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])$/.test(hostname)
  if (protocol === 'https:' || (protocol === 'http:' && isLocal)) return url
  throw new ImproperlyConfigured("GS_CREDENTIALS: 'token_uri' must be an https URL")
}

/** The used part of `google-auth-library`. */
interface AuthLibrary {
  readonly GoogleAuth: new (options: {
    credentials: object
    scopes: string[]
  }) => {
    getClient(): Promise<TokenClient>
  }
}

/**
 * A client of `google-auth-library` for file types without built-in support: `external_account`, `impersonated_service_account` and others.
 */
export async function libraryClient(file: CredentialsFile): Promise<TokenClient> {
  const type = String(file['type']).slice(0, 60)
  const { GoogleAuth } = await importOptional<AuthLibrary>('google-auth-library', `Credentials of type ${type}`)
  return new GoogleAuth({ credentials: file, scopes: [...SCOPES] }).getClient()
}

/** The token of a client. The client's error is only the cause: it may quote requests. */
export async function clientToken(client: TokenClient): Promise<AccessToken> {
  const ask = async () => client.getAccessToken()
  const given = await ask().catch((cause: unknown) => {
    const { status } = (cause ?? {}) as { readonly status?: unknown }
    const isRefused = typeof status === 'number' && status >= 400 && status < 500 && status !== 429
    const text = 'The client in GS_CREDENTIALS returned no access token.'
    throw new StorageError(isRefused ? 'permission_denied' : 'unavailable', text, { cause, outcome: 'not_applied' })
  })
  const text = typeof given === 'object' ? given?.token : given
  if (typeof text !== 'string' || !/^[!-~]+$/.test(text)) {
    throw new StorageError('permission_denied', 'The client in GS_CREDENTIALS returned no access token.')
  }
  return { text, expiresAt: endOf(client) }
}

/** When the client's token expires, if the client reports it; otherwise in a minute, since the client caches the token itself. */
function endOf(client: TokenClient): Date {
  const { credentials } = client as { credentials?: { expiry_date?: unknown } }
  const told = credentials?.expiry_date
  return new Date(typeof told === 'number' ? told : Date.now() + 60_000)
}
