/** Auth v1: TempAuth's, and Rackspace's of old with the URL of its CDN. */
import type { StrictAnswer } from '../strict/answer.ts'
import { accountsOf, rackspaceCatalog } from './catalog.ts'
import type { OperationContext } from './context.ts'
import { unauthorized } from './errors.ts'
import { RACKSPACE, TEMPAUTH } from './estate.ts'
import { textOf } from './headers.ts'

/** `GET /auth/v1.0`. */
export function loginV1({ state, request }: OperationContext): StrictAnswer {
  const { headers } = request
  const user = textOf(headers['x-auth-user'] ?? headers['x-storage-user'] ?? '')
  const key = textOf(headers['x-auth-key'] ?? headers['x-storage-pass'] ?? '')
  const isRackspace = user === RACKSPACE.username && key === RACKSPACE.apiKey
  if (!isRackspace && (user !== TEMPAUTH.user || key !== TEMPAUTH.key)) throw unauthorized(user.split(':')[0] ?? '')
  const now = state.now()
  const secs = state.options.tokenSecs ?? 86_400
  const services = rackspaceCatalog(state)
  const accounts = isRackspace ? accountsOf(services) : [TEMPAUTH.account]
  const token = state.tokens.give(isRackspace ? 'rackspace' : 'v1', accounts, now, now + secs * 1000)
  const [first = ''] = accounts
  const cdn = isRackspace ? { 'x-cdn-management-url': `${state.running.url}/cdn/v1/${first}` } : {}
  return {
    status: state.options.v1Status ?? 200,
    headers: {
      'content-type': 'text/plain; charset=UTF-8',
      'x-auth-token': token.text,
      'x-storage-token': token.text,
      'x-auth-token-expires': String(secs),
      'x-storage-url': `${state.running.url}/v1/${first}`,
      ...cdn,
    },
  }
}
