import { ImproperlyConfigured, StorageError } from '../../../core/errors.ts'
import { importOptional } from '../../../core/optional.ts'
import { Renewed } from '../../../remote/token.ts'

/** The token of an identity, and when it expires in ms since 1970. */
export interface AccessToken {
  readonly token: string
  readonly expiresOnTimestamp: number
}

/** An identity of `@azure/identity`, or any object with this method. */
export interface TokenCredential {
  getToken(
    scopes: string | string[],
    options?: { readonly abortSignal?: AbortSignal },
  ): Promise<AccessToken | null | undefined>
}

/** The same in all clouds. */
const SCOPE = 'https://storage.azure.com/.default'
/** Timeout for loading a token, in seconds. */
const LIMIT_SECS = 60

/** The value of a setting: an identity, `'default'`, or none. */
export function parseTokenCredential(raw: unknown): TokenCredential | 'default' | null {
  if (raw === null || raw === '' || raw === 'None' || raw === 'null') return null
  if (raw === 'default' || raw === 'DefaultAzureCredential') return 'default'
  if (typeof raw === 'object' && typeof (raw as { getToken?: unknown }).getToken === 'function') {
    return raw as TokenCredential
  }
  throw new Error("expected an object with getToken(), 'default' or null")
}

/** Tokens of an identity: loaded at the first request and again before they expire, once for all calls. */
export function accessTokens(given: TokenCredential | 'default'): Renewed<AccessToken> {
  let credential = given === 'default' ? undefined : given
  return new Renewed(
    async () => {
      credential ??= await defaultCredential()
      try {
        const options = { abortSignal: AbortSignal.timeout(LIMIT_SECS * 1000) }
        return checked(await credential.getToken(SCOPE, options))
      } catch (error) {
        throw refused(error)
      }
    },
    { endOf: ({ expiresOnTimestamp }) => new Date(expiresOnTimestamp) },
  )
}

async function defaultCredential(): Promise<TokenCredential> {
  const name = '@azure/identity'
  const identity = await importOptional<{ DefaultAzureCredential: new () => TokenCredential }>(
    name,
    "AZURE_TOKEN_CREDENTIAL 'default'",
  )
  return new identity.DefaultAzureCredential()
}

function checked(found: AccessToken | null | undefined): AccessToken {
  const { token, expiresOnTimestamp } = found ?? {}
  if (typeof token !== 'string' || !/^[!-~]+$/.test(token)) {
    throw new ImproperlyConfigured('AZURE_TOKEN_CREDENTIAL: getToken() returned no token')
  }
  return { token, expiresOnTimestamp: Number(expiresOnTimestamp) }
}

/** The text of an identity's error may quote the request, so the error is only the cause. */
function refused(cause: unknown): StorageError {
  if (cause instanceof StorageError) return cause
  const { name } = (cause ?? {}) as { readonly name?: unknown }
  const text = `The identity of AZURE_TOKEN_CREDENTIAL returned no token (${typeof name === 'string' ? name : 'Error'}).`
  // A request of the identity that got no answer may succeed the next time.
  const isPassing = name === 'AbortError' || name === 'TimeoutError' || name === 'RestError'
  return new StorageError(isPassing ? 'unavailable' : 'permission_denied', text, { cause, outcome: 'not_applied' })
}
