/** Tokens that the identity services gave. */
import { randomBytes } from 'node:crypto'

/** Which service gave a token. */
export type TokenKind = 'v1' | 'v2' | 'v3' | 'rackspace'

/** One token. */
export interface Token {
  readonly text: string
  readonly kind: TokenKind
  /** Storage accounts that it opens; none without a project. */
  readonly accounts: readonly string[]
  readonly givenMs: number
  readonly expiresMs: number
}

/** All tokens of a server. */
export class TokenList {
  readonly #tokens = new Map<string, Token>()
  #given = 0

  /** How many were given so far. */
  get given(): number {
    return this.#given
  }

  give(kind: TokenKind, accounts: readonly string[], givenMs: number, expiresMs: number): Token {
    const random = randomBytes(32)
    const text =
      kind === 'v1' ? `AUTH_tk${random.toString('hex').slice(0, 32)}` : `gAAAAAB${random.toString('base64url')}`
    const token = { text, kind, accounts, givenMs, expiresMs }
    this.#tokens.set(text, token)
    this.#given++
    return token
  }

  /** The token with this text that is good at this time. */
  find(text: string | undefined, nowMs: number): Token | undefined {
    const token = this.#tokens.get(text ?? '')
    return token !== undefined && token.expiresMs > nowMs ? token : undefined
  }

  /** Makes every token given so far one that nobody knows; the identity services go on. */
  expireAll(): void {
    this.#tokens.clear()
  }

  /** Makes one token invalid. */
  revoke(text: string): void {
    this.#tokens.delete(text)
  }
}
