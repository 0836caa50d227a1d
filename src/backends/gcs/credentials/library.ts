import { StorageError } from '../../../core/errors.ts'
import { importOptional } from '../../../core/optional.ts'
import type { CredentialsFile, TokenClient } from './given.ts'
import { type AccessToken, SCOPES } from './token.ts'

/** What is used of `google-auth-library`. */
interface AuthLibrary {
  readonly GoogleAuth: new (options: {
    credentials: object
    scopes: string[]
  }) => {
    getClient(): Promise<TokenClient>
  }
}

/** A client of `google-auth-library` for files that are not understood here: `external_account`, `impersonated_service_account` and others. */
export async function libraryClient(file: CredentialsFile): Promise<TokenClient> {
  const type = String(file['type']).slice(0, 60)
  const { GoogleAuth } = await importOptional<AuthLibrary>('google-auth-library', `Credentials of type ${type}`)
  return new GoogleAuth({ credentials: file, scopes: [...SCOPES] }).getClient()
}

/** The token of a client. Its own errors stay the cause: they may quote requests. */
export async function clientToken(client: TokenClient): Promise<AccessToken> {
  const given = await client.getAccessToken().catch((cause: unknown) => {
    const { status } = (cause ?? {}) as { readonly status?: unknown }
    const isRefused = typeof status === 'number' && status >= 400 && status < 500 && status !== 429
    const text = 'The client in GS_CREDENTIALS gave no access token.'
    throw new StorageError(isRefused ? 'permission_denied' : 'unavailable', text, { cause, outcome: 'not_applied' })
  })
  const text = typeof given === 'object' ? given?.token : given
  if (typeof text !== 'string' || !/^[!-~]+$/.test(text)) {
    throw new StorageError('permission_denied', 'The client in GS_CREDENTIALS gave no access token.')
  }
  return { text, expiresAt: endOf(client) }
}

/** When the client's token ends, where the client tells; else it is asked again after a minute: it keeps the token itself. */
function endOf(client: TokenClient): Date {
  const { credentials } = client as { credentials?: { expiry_date?: unknown } }
  const told = credentials?.expiry_date
  return new Date(typeof told === 'number' ? told : Date.now() + 60_000)
}
