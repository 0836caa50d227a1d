import { ImproperlyConfigured } from '../../../core/errors.ts'
import { sharedContext } from '../../../remote/aftermath.ts'
import type { AuthService } from './auth-service.ts'
import { textOf } from './auth-service.ts'
import type { CredentialsFile } from './given.ts'
import type { ServiceAccountKey } from './key.ts'
import { type AccessToken, tokenOf } from './token.ts'

const TOKEN_URL = 'https://oauth2.googleapis.com/token'
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

/** A token for a signed request. (RFC 7523, section 2.1) */
export function keyToken(auth: AuthService, key: ServiceAccountKey, file: CredentialsFile): Promise<AccessToken> {
  const url = tokenUrlOf(file)
  const assertion = key.assertion(url, new Date())
  return grant(auth, `The token of ${key.email}`, url, { grant_type: JWT_BEARER, assertion }, [assertion])
}

/** A token for a user's refresh token. (RFC 6749, section 6) */
export function userToken(auth: AuthService, file: CredentialsFile): Promise<AccessToken> {
  const { client_id, client_secret, refresh_token } = file as Readonly<Record<string, string>>
  const form = { grant_type: 'refresh_token', client_id, client_secret, refresh_token } as Record<string, string>
  return grant(auth, "The user's token", tokenUrlOf(file), form, [client_secret, refresh_token])
}

async function grant(
  auth: AuthService,
  purpose: string,
  url: string,
  form: Readonly<Record<string, string>>,
  secrets: ReadonlyArray<string | undefined>,
): Promise<AccessToken> {
  const request = {
    method: 'POST',
    url,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
    expected: { statuses: [200], fields: ['access_token'] },
    secrets,
  } as const
  return tokenOf(await auth.json(purpose, request, sharedContext()), purpose)
}

/** Where a file says that tokens are given. */
function tokenUrlOf({ token_uri: given }: CredentialsFile): string {
  const url = textOf(given) ?? TOKEN_URL
  const { protocol, hostname } = URL.canParse(url) ? new URL(url) : { protocol: '', hostname: '' }
  const isLocal = /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])$/.test(hostname)
  if (protocol === 'https:' || (protocol === 'http:' && isLocal)) return url
  throw new ImproperlyConfigured("GS_CREDENTIALS: 'token_uri' must be an https URL")
}
