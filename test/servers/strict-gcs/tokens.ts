/** Access tokens: what was given to whom, and for how long. */
import { randomBytes } from 'node:crypto'
import { type Account, rsaVerify } from './accounts.ts'
import { unauthorized } from './errors.ts'

/** One access token. */
export interface Token {
  readonly text: string
  readonly account: Account
  readonly scopes: readonly string[]
  /** Milliseconds since 1970. */
  readonly expires: number
}

/** All tokens that were given. */
export class TokenList {
  readonly #tokens = new Map<string, Token>()

  /** Gives a new one. */
  give(account: Account, scopes: readonly string[], expires: number): Token {
    const text = `ya29.strict-${randomBytes(24).toString('base64url')}`
    const token: Token = { text, account, scopes, expires }
    this.#tokens.set(text, token)
    return token
  }

  /** The token with this text if it is good still; 401 otherwise. */
  find(text: string, now: number): Token {
    const token = this.#tokens.get(text)
    if (token === undefined || token.expires <= now) throw unauthorized()
    return token
  }

  /** Makes all tokens that were given so far worthless; returns how many. */
  revokeAll(): number {
    const { size } = this.#tokens
    this.#tokens.clear()
    return size
  }
}

/** The claims of a JWT. */
export interface Claims {
  readonly header: Readonly<Record<string, unknown>>
  readonly payload: Readonly<Record<string, unknown>>
  readonly signed: string
  readonly signature: Buffer
}

/** Splits a JWT; undefined for anything else. */
export function readJwt(text: string): Claims | undefined {
  const parts = text.split('.')
  const [header, payload, signature] = parts
  if (parts.length !== 3 || !header || !payload || !signature) return undefined
  try {
    return {
      header: JSON.parse(Buffer.from(header, 'base64url').toString('utf8')),
      payload: JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')),
      signed: `${header}.${payload}`,
      signature: Buffer.from(signature, 'base64url'),
    }
  } catch {
    return undefined
  }
}

/** Whether this account's key file made the JWT. */
export function isJwtOf({ header, signed, signature }: Claims, account: Account): boolean {
  if (header['alg'] !== 'RS256') return false
  if (header['kid'] !== undefined && header['kid'] !== account.userKey.id) return false
  return rsaVerify(account, signed, signature)
}
