/** IAM Credentials: `signBlob` and `generateAccessToken` (https://cloud.google.com/iam/docs/reference/credentials/rest). */
import { jsonAnswer } from '../strict/answer.ts'
import { cloudPlatform, needScope } from './access.ts'
import { type Account, rsaSign } from './accounts.ts'
import type { GcsAnswer, OperationContext } from './context.ts'
import { GcsError, unauthorized } from './errors.ts'
import { giveToken } from './oauth.ts'
import { jsonBody } from './request.ts'

/** The account that a request is about; 401, 403 and 404. */
function needTarget(context: OperationContext, permission: string): Account {
  const { state, request, identity } = context
  if (identity.account === undefined) {
    throw unauthorized('Request is missing required authentication credential.')
  }
  needScope(identity.scopes, [cloudPlatform, 'https://www.googleapis.com/auth/iam'])
  const email = (request.segments[0] ?? '').split(':')[0]
  const target = state.accounts.find(one => one.email === email)
  if (target === undefined) throw new GcsError(404, 'notFound', `Not found; Gaia id not found for email ${email}`)
  if (target.tokenCreator) return target
  const message = `Permission 'iam.serviceAccounts.${permission}' denied on resource (or it may not exist).`
  throw new GcsError(403, 'forbidden', message)
}

/** `signBlob`: RSA-SHA256 over the payload with the account's key that the service keeps. */
export function signBlob(context: OperationContext): GcsAnswer {
  const target = needTarget(context, 'signBlob')
  const { payload } = jsonBody(context.request)
  if (typeof payload !== 'string' || payload === '' || Buffer.from(payload, 'base64').toString('base64') !== payload) {
    throw new GcsError(400, 'invalid', "Invalid value at 'payload' (TYPE_BYTES), Base64 decoding failed")
  }
  const key = target.systemKey
  return jsonAnswer({ keyId: key.id, signedBlob: rsaSign(key, Buffer.from(payload, 'base64')).toString('base64') })
}

/** `generateAccessToken`: a token of the account for at most an hour. */
export function generateAccessToken(context: OperationContext): GcsAnswer {
  const { state, request } = context
  const target = needTarget(context, 'getAccessToken')
  const { scope, lifetime = '3600s' } = jsonBody(request)
  const isList = Array.isArray(scope) && scope.length > 0 && scope.every(one => typeof one === 'string')
  if (!isList) throw new GcsError(400, 'invalid', 'A scope is needed.')
  const secs = /^(\d{1,5})s$/.exec(String(lifetime))?.[1]
  if (secs === undefined || Number(secs) === 0 || Number(secs) > 3600)
    throw new GcsError(400, 'invalid', `Invalid lifetime ${lifetime}`)
  const token = giveToken(state, target, scope as string[], Number(secs))
  const expireTime = new Date(state.now() + token.secs * 1000).toISOString().replace(/\.\d+Z$/, 'Z')
  return jsonAnswer({ accessToken: token.text, expireTime })
}
