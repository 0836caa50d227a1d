/** The token endpoint and the STS exchange (RFC 6749, RFC 7523, RFC 8693). */
import { jsonAnswer } from '../strict/answer.ts'
import type { Account } from './accounts.ts'
import type { GcsAnswer, OperationContext, ServerState } from './context.ts'
import { GcsError } from './errors.ts'
import { formBody } from './request.ts'
import { isJwtOf, readJwt } from './tokens.ts'

/** The OAuth client and the refresh token of a person who signed in with `gcloud auth application-default login`. */
export const authorizedUser: Readonly<Record<'client_id' | 'client_secret' | 'refresh_token', string>> = {
  client_id: 'strict-client.apps.googleusercontent.com',
  client_secret: 'strict-client-secret',
  refresh_token: '1//strict-refresh-token',
}

/** The audience of the workload identity pool. */
export const poolAudience =
  '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/strict/providers/strict'

function refused(status: number, code: string, description: string): GcsError {
  return new GcsError(status, code, description)
}

/** Gives a token that the answer tells. */
export function giveToken(
  state: ServerState,
  account: Account,
  scopes: readonly string[],
  secs?: number,
): { text: string; secs: number } {
  const lifetime = secs ?? state.options.tokenSecs ?? 3600
  const token = state.tokens.give(account, scopes, state.now() + lifetime * 1000)
  return { text: token.text, secs: lifetime }
}

/** POST /token. */
export function tokenEndpoint(context: OperationContext): GcsAnswer {
  const form = formBody(context.request)
  switch (form.get('grant_type')) {
    case 'urn:ietf:params:oauth:grant-type:jwt-bearer':
      return byJwt(context.state, form.get('assertion') ?? '')
    case 'refresh_token':
      return byRefreshToken(context.state, form)
    default:
      throw refused(400, 'unsupported_grant_type', `Invalid grant_type: ${form.get('grant_type') ?? ''}`)
  }
}

function byJwt(state: ServerState, assertion: string): GcsAnswer {
  const jwt = readJwt(assertion)
  if (jwt === undefined) throw refused(400, 'invalid_grant', 'Invalid JWT: Failed to parse.')
  const { iss, sub, aud, scope, iat, exp } = jwt.payload
  const account = state.accounts.find(one => one.email === iss)
  if (account === undefined) throw refused(400, 'invalid_grant', 'Invalid grant: account not found')
  if (!isJwtOf(jwt, account)) throw refused(400, 'invalid_grant', 'Invalid JWT Signature.')
  const audiences = [`${state.running.url}/token`, 'https://oauth2.googleapis.com/token']
  if (!audiences.includes(String(aud)))
    throw refused(400, 'invalid_grant', 'Invalid JWT: The audience is not this endpoint.')
  const secs = state.now() / 1000
  const isInTime = Number(iat) <= secs + 300 && Number(exp) > secs && Number(exp) - Number(iat) <= 3600
  if (!isInTime) {
    const text =
      'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.'
    throw refused(400, 'invalid_grant', text)
  }
  if (sub !== undefined && sub !== iss)
    throw refused(401, 'unauthorized_client', 'Client is unauthorized to retrieve access tokens using this method.')
  if (typeof scope !== 'string' || scope === '') {
    throw refused(400, 'invalid_scope', 'Invalid OAuth scope or ID token audience provided.')
  }
  return tokenAnswer(state, account, scope.split(' '))
}

function byRefreshToken(state: ServerState, form: URLSearchParams): GcsAnswer {
  const isClient =
    form.get('client_id') === authorizedUser.client_id && form.get('client_secret') === authorizedUser.client_secret
  if (!isClient) throw refused(401, 'invalid_client', 'The OAuth client was not found.')
  if (form.get('refresh_token') !== authorizedUser.refresh_token) throw refused(400, 'invalid_grant', 'Bad Request')
  return tokenAnswer(state, state.accounts[0] as Account, ['https://www.googleapis.com/auth/cloud-platform'])
}

function tokenAnswer(state: ServerState, account: Account, scopes: readonly string[]): GcsAnswer {
  const { text, secs } = giveToken(state, account, scopes)
  return jsonAnswer({ access_token: text, expires_in: secs, token_type: 'Bearer', scope: scopes.join(' ') })
}

/** POST /v1/token: a token of another identity provider for one of ours. */
export function stsExchange(context: OperationContext): GcsAnswer {
  const { state, request } = context
  const form = formBody(request)
  const need = (name: string, wanted: string): void => {
    if (form.get(name) !== wanted) throw refused(400, 'invalid_request', `Invalid value for "${name}".`)
  }
  need('grant_type', 'urn:ietf:params:oauth:grant-type:token-exchange')
  need('requested_token_type', 'urn:ietf:params:oauth:token-type:access_token')
  if (form.get('audience') !== poolAudience)
    throw refused(400, 'invalid_target', 'The target service indicated by the "audience" parameters is invalid.')
  if (!/^urn:ietf:params:oauth:token-type:(jwt|id_token|access_token)$/.test(form.get('subject_token_type') ?? '')) {
    throw refused(400, 'invalid_request', 'Invalid value for "subject_token_type".')
  }
  if (form.get('subject_token') !== (state.options.subjectToken ?? 'strict-subject-token')) {
    throw refused(400, 'invalid_grant', 'The given credential is rejected by the attribute condition.')
  }
  const scopes = (form.get('scope') ?? '').split(' ').filter(one => one !== '')
  if (scopes.length === 0) throw refused(400, 'invalid_scope', 'A scope is needed.')
  const { text, secs } = giveToken(state, state.accounts[0] as Account, scopes)
  return jsonAnswer({
    access_token: text,
    issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    token_type: 'Bearer',
    expires_in: secs,
  })
}
