import { ImproperlyConfigured } from '../../core/errors.ts'
import type { HttpClient } from '../../http/request.ts'
import { type AccessToken, AuthService, grantedToken } from '../../remote/auth-service.ts'
import { Renewed } from '../../remote/token.ts'

/** What tokens are made of. */
export interface TokenOptions {
  readonly oauth2AccessToken: string | null
  readonly oauth2RefreshToken: string | null
  readonly appKey: string | null
  /** Null for an app without one, which got its refresh token by PKCE. */
  readonly appSecret: string | null
}

/** Refuses options of which no token can be made: `improperly_configured`, with the settings that are missing. */
export function checkTokens({ oauth2AccessToken, oauth2RefreshToken, appKey }: TokenOptions): void {
  if (oauth2RefreshToken !== null && appKey === null) {
    throw new ImproperlyConfigured(
      'DROPBOX_OAUTH2_REFRESH_TOKEN is of no use without the key of its app: DROPBOX_APP_KEY is missing.',
    )
  }
  if (oauth2AccessToken !== null || oauth2RefreshToken !== null) return
  throw new ImproperlyConfigured(
    'Dropbox needs a token: set DROPBOX_OAUTH2_TOKEN, or DROPBOX_APP_KEY, DROPBOX_APP_SECRET and DROPBOX_OAUTH2_REFRESH_TOKEN.',
  )
}

/**
 * The token of one storage: the given one until Dropbox refuses it, then one for the refresh token, renewed before its end, once for all calls.
 * (https://www.dropbox.com/developers/documentation/http/documentation#oauth2-token)
 */
export class Tokens {
  /** Whether there is another token after one that was refused. */
  readonly areRenewed: boolean
  readonly #tokens: Renewed<AccessToken>
  readonly #options: TokenOptions
  #given: AccessToken | undefined

  constructor(options: TokenOptions, apiUrl: string, http: Pick<HttpClient, 'request'>) {
    const { oauth2AccessToken: text, oauth2RefreshToken, appKey, appSecret } = options
    this.#options = options
    this.#given = text === null ? undefined : { text, expiresAt: undefined }
    this.areRenewed = oauth2RefreshToken !== null && appKey !== null
    const auth = new AuthService(http)
    const form: Record<string, string> = { grant_type: 'refresh_token', refresh_token: oauth2RefreshToken ?? '' }
    if (appKey !== null) form['client_id'] = appKey
    if (appSecret !== null) form['client_secret'] = appSecret
    const secrets = [oauth2RefreshToken ?? undefined, appSecret ?? undefined]
    const load = () =>
      grantedToken(auth, 'The token for DROPBOX_OAUTH2_REFRESH_TOKEN', `${apiUrl}/oauth2/token`, form, secrets)
    this.#tokens = new Renewed(load, { endOf: ({ expiresAt }) => expiresAt })
  }

  /** The token, at once when one is at hand. */
  get(signal: AbortSignal): AccessToken | Promise<AccessToken> {
    return this.#given ?? this.#tokens.get(signal)
  }

  /** Forgets a token that Dropbox has refused; returns whether there is another one. */
  drop(token: unknown): boolean {
    if (!this.areRenewed) return false
    if (token === this.#given) this.#given = undefined
    else this.#tokens.drop(token)
    return true
  }

  /** What no message may show, besides the token of a request. */
  get secrets(): ReadonlyArray<string | undefined> {
    const { oauth2AccessToken, oauth2RefreshToken, appSecret } = this.#options
    return [oauth2AccessToken ?? undefined, oauth2RefreshToken ?? undefined, appSecret ?? undefined]
  }
}
