/** POST /oauth2/token: the refresh token for an access token (https://www.dropbox.com/developers/documentation/http/documentation#oauth2-token). */
import { jsonAnswer } from '../strict/answer.ts'
import type { DropboxAnswer, OperationContext } from './context.ts'
import { oauthError } from './errors.ts'
import { ALL_SCOPES } from './tokens.ts'

/** Answers a refresh whose parameters are in the query or in a form, but not in both. */
export function tokenEndpoint({ state, request }: OperationContext): DropboxAnswer {
  const { tokens, options } = state
  const form = formOf(request.headers['content-type'], request.body)
  const inQuery = request.rawQuery !== ''
  if (inQuery && form.size > 0) {
    throw oauthError('invalid_request', 'Parameters must be in the query or in the body, not in both.')
  }
  const given = inQuery ? new URLSearchParams(request.rawQuery) : form
  const grant = given.get('grant_type')
  if (grant !== 'refresh_token') {
    throw oauthError(grant === null ? 'invalid_request' : 'unsupported_grant_type', `grant_type: ${grant ?? 'missing'}`)
  }
  const basic = /^Basic (\S+)$/.exec(request.headers['authorization'] ?? '')?.[1]
  const [key, secret] =
    basic === undefined
      ? [given.get('client_id'), given.get('client_secret')]
      : Buffer.from(basic, 'base64').toString('utf8').split(':')
  // An app without a secret is one that uses PKCE: then none is sent at all.
  if (key !== tokens.appKey || (secret !== null && secret !== undefined && secret !== tokens.appSecret)) {
    throw oauthError('invalid_client', 'Invalid client_id or client_secret')
  }
  const refresh = given.get('refresh_token')
  if (refresh === null) throw oauthError('invalid_request', 'missing required field "refresh_token"')
  if (refresh !== tokens.refreshToken) throw oauthError('invalid_grant', 'refresh token is invalid or revoked')
  const scopes = given.get('scope')?.split(' ') ?? ALL_SCOPES
  if (scopes.some(scope => !ALL_SCOPES.includes(scope))) throw oauthError('invalid_scope', 'Invalid scopes requested')
  const secs = options.tokenSecs ?? 14_400
  const { text } = tokens.give(state.now() + secs * 1000, scopes)
  tokens.refreshes.push({ by: inQuery ? 'query' : 'form', app: basic === undefined ? 'parameters' : 'header' })
  return jsonAnswer({ access_token: text, token_type: 'bearer', expires_in: secs, scope: scopes.join(' ') })
}

function formOf(type: string | undefined, body: Buffer): URLSearchParams {
  if (body.length === 0) return new URLSearchParams()
  if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(type ?? '')) {
    throw oauthError('invalid_request', `Bad HTTP "Content-Type" header: "${type ?? ''}".`)
  }
  return new URLSearchParams(body.toString('utf8'))
}
