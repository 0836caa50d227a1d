import { ImproperlyConfigured } from '../../core/errors.ts'
import type { HttpClient } from '../../http/request.ts'
import { type AccessToken, AuthService, grantedToken } from '../../remote/auth-service.ts'
import { Renewed } from '../../remote/token.ts'

/** The credentials for tokens. */
export interface TokenOptions {
  readonly oauth2AccessToken: string | null
  readonly oauth2RefreshToken: string | null
  readonly appKey: string | null
  /** Null for an app without a secret, which got its refresh token with PKCE. */
  readonly appSecret: string | null
}

/** Refuses options without a usable token: `improperly_configured`, with the missing settings. */
export function checkTokens({ oauth2AccessToken, oauth2RefreshToken, appKey }: TokenOptions): void {
  if (oauth2RefreshToken !== null && appKey === null) {
    throw new ImproperlyConfigured('DROPBOX_OAUTH2_REFRESH_TOKEN needs the key of its app: DROPBOX_APP_KEY is missing.')
  }
  if (oauth2AccessToken !== null || oauth2RefreshToken !== null) return
  throw new ImproperlyConfigured(
    'Dropbox needs a token: set DROPBOX_OAUTH2_TOKEN, or DROPBOX_APP_KEY, DROPBOX_APP_SECRET and DROPBOX_OAUTH2_REFRESH_TOKEN.',
  )
}

/**
 * The token of one storage: the configured one until Dropbox refuses it, then one from the refresh token, renewed before it expires, once
 * for all calls. (https://www.dropbox.com/developers/documentation/http/documentation#oauth2-token)
 */
export class Tokens {
  /** Whether there is another token after a refused one. */
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

  /** The token, without a promise if it is already loaded. */
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

  /** Texts that no message may contain, besides the token of a request. */
  get secrets(): ReadonlyArray<string | undefined> {
    const { oauth2AccessToken, oauth2RefreshToken, appSecret } = this.#options
    return [oauth2AccessToken ?? undefined, oauth2RefreshToken ?? undefined, appSecret ?? undefined]
  }
}
