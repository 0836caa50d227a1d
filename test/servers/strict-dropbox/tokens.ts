/** Access tokens, and the app and the refresh token that get new ones. */
import { randomBytes } from 'node:crypto'

/** One access token. */
export interface Token {
  readonly text: string
  /** Milliseconds since 1970. */
  readonly expires: number
  readonly scopes: readonly string[]
}

/** What a new token was asked for with. */
export interface Refresh {
  /** Where the parameters were. */
  readonly by: 'query' | 'form'
  /** Where the app told who it is. */
  readonly app: 'parameters' | 'header'
}

/** Scopes of an app that may do everything. */
export const ALL_SCOPES: readonly string[] = [
  'account_info.read',
  'files.content.read',
  'files.content.write',
  'files.metadata.read',
  'files.metadata.write',
  'sharing.read',
  'sharing.write',
]

/** All tokens that were given. */
export class TokenList {
  readonly appKey: string = 'strict0app0key1'
  readonly appSecret: string = 'strict0app0secr'
  /** Not good any more once it is revoked. */
  refreshToken: string = `strict-refresh-${randomBytes(20).toString('base64url')}`
  /** Every refresh that gave a token. */
  readonly refreshes: Refresh[] = []
  readonly #tokens = new Map<string, Token>()

  /** Gives a new one. */
  give(expires: number, scopes: readonly string[] = ALL_SCOPES): Token {
    const token = { text: `sl.strict-${randomBytes(60).toString('base64url')}`, expires, scopes }
    this.#tokens.set(token.text, token)
    return token
  }

  find(text: string): Token | undefined {
    return this.#tokens.get(text)
  }

  /** Makes all tokens that were given so far invalid, or expired. */
  revokeAll(how: 'invalid' | 'expired'): void {
    for (const token of this.#tokens.values()) {
      if (how === 'invalid') this.#tokens.delete(token.text)
      else this.#tokens.set(token.text, { ...token, expires: 0 })
    }
  }

  /** Makes the refresh token invalid, as a user does who disconnects the app. */
  disconnect(): void {
    this.refreshToken = `strict-refresh-${randomBytes(20).toString('base64url')}`
  }
}
