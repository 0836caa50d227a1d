/** Who asks: access tokens, self-signed JWTs, HMAC and RSA signatures. */
import { createHash } from 'node:crypto'
import type { Identity, ServerState } from './context.ts'
import { GcsError, unauthorized } from './errors.ts'
import { isV2Query, verifyHeaderV2, verifyQueryV2 } from './goog1.ts'
import { isV4Query, verifyHeaderV4, verifyQueryV4 } from './goog4.ts'
import type { GcsRequest } from './request.ts'
import { isJwtOf, readJwt } from './tokens.ts'

const ANONYMOUS: Identity = { account: undefined, scopes: undefined }

/** Seconds that clocks may differ. */
const SKEW_SECS = 300

/** The account and scopes of a bearer token; 401. */
export function bearer(text: string, state: ServerState): Identity {
  const now = state.now()
  const jwt = readJwt(text)
  if (jwt === undefined) {
    const { account, scopes } = state.tokens.find(text, now)
    return { account, scopes }
  }
  const { iss, sub, aud, scope, iat, exp } = jwt.payload
  const account = state.accounts.find(one => one.email === iss)
  const audiences = ['https://storage.googleapis.com/', `${state.running.url}/`]
  const isAimed = audiences.includes(String(aud)) || (aud === undefined && typeof scope === 'string')
  const secs = now / 1000
  const isInTime = Number(exp) > secs && Number(iat) <= secs + SKEW_SECS && Number(exp) - Number(iat) <= 3600
  if (account === undefined || (sub !== undefined && sub !== iss) || !isAimed || !isInTime || !isJwtOf(jwt, account)) {
    throw unauthorized()
  }
  return { account, scopes: typeof scope === 'string' ? scope.split(' ') : undefined }
}

function headerIdentity(header: string, request: GcsRequest, state: ServerState): Identity {
  const token = /^Bearer +(\S+)$/i.exec(header)?.[1]
  if (token !== undefined) return bearer(token, state)
  if (request.api === 'xml') {
    if (/^(GOOG4|AWS4)-HMAC-SHA256 /.test(header)) return verifyHeaderV4(request, state)
    if (/^(GOOG1|AWS) /.test(header)) return verifyHeaderV2(request, state)
    throw new GcsError(400, 'invalid', 'Unsupported Authorization Type', { xml: 'InvalidArgument' })
  }
  throw unauthorized()
}

/** Finds out who asks; 401 and 403 for a token or a signature that is not good. */
export function authenticate(request: GcsRequest, state: ServerState): Identity {
  const { api, headers, query } = request
  if (api === 'token' || api === 'sts' || api === 'metadata') return ANONYMOUS
  const unknown = Object.keys(headers).find(name =>
    /^x-(goog|amz)-(encryption-(algorithm|key)|server-side-encryption-customer)/.test(name),
  )
  if (unknown !== undefined) {
    throw new GcsError(501, 'notImplemented', `The test server keeps no customer-supplied keys: ${unknown}`)
  }
  const header = headers['authorization']
  const isSigned = api === 'xml' && (isV4Query(query) || isV2Query(query))
  if (header !== undefined && isSigned) {
    throw new GcsError(400, 'invalid', 'Only one form of authentication is allowed', { xml: 'InvalidArgument' })
  }
  if (header !== undefined) return headerIdentity(header, request, state)
  if (!isSigned) return ANONYMOUS
  return isV4Query(query) ? verifyQueryV4(request, state) : verifyQueryV2(request, state)
}

/** 400 where the body is not the one whose hash was signed. */
export function checkPayload(payload: string | undefined, body: Uint8Array): void {
  if (payload === undefined || !/^[0-9a-f]{64}$/.test(payload)) return
  const actual = createHash('sha256').update(body).digest('hex')
  if (actual === payload) return
  const message = "The provided 'x-goog-content-sha256' header does not match what was computed."
  throw new GcsError(400, 'invalid', message, { xml: 'ContentSHA256Mismatch', ComputedContentSHA256: actual })
}
