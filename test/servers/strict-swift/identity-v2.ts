/** Keystone v2, Rackspace's v2 with an API key, and Rackspace's v1.1. */
import { jsonAnswer, type StrictAnswer } from '../strict/answer.ts'
import { accountsOf, catalogV2, keystoneCatalog, rackspaceCatalog, type Service } from './catalog.ts'
import type { OperationContext } from './context.ts'
import { complaint, failed } from './errors.ts'
import { PROJECT, RACKSPACE, USER } from './estate.ts'
import { type Fields, fieldsOf, jsonBody, onlyKeys, refused } from './identity-body.ts'

const API_KEY = 'RAX-KSKEY:apiKeyCredentials'

interface Login {
  readonly user: { readonly id: string; readonly name: string }
  readonly isRackspace: boolean
  /** Whether the user has a project without naming one. */
  readonly hasProject: boolean
}

/** Whose credentials these are; 401 for wrong ones. */
function loginOf(auth: Fields, context: OperationContext): Login {
  const customer = { id: '170454', name: RACKSPACE.username }
  const { [API_KEY]: byKey, passwordCredentials: byPassword, token: byToken } = auth
  if ([byKey, byPassword, byToken].filter(one => one !== undefined).length !== 1)
    throw complaint('not one way to log in')
  if (byKey !== undefined) {
    const { username, apiKey } = onlyKeys(fieldsOf(byKey), ['username', 'apiKey'])
    if (username !== RACKSPACE.username || apiKey !== RACKSPACE.apiKey) throw refused()
    return { user: customer, isRackspace: true, hasProject: true }
  }
  const user = { id: USER.id, name: USER.name }
  if (byToken !== undefined) {
    const { id } = onlyKeys(fieldsOf(byToken), ['id'])
    const token = context.state.tokens.find(String(id), context.state.now())
    if (token === undefined) throw refused()
    return { user, isRackspace: token.kind === 'rackspace', hasProject: token.accounts.length > 0 }
  }
  const { username, userId, password } = onlyKeys(fieldsOf(byPassword), ['username', 'userId', 'password'])
  if (username === RACKSPACE.username && password === RACKSPACE.password) {
    return { user: customer, isRackspace: true, hasProject: true }
  }
  if ((username !== USER.name && userId !== USER.id) || password !== USER.password) throw refused()
  return { user, isRackspace: false, hasProject: false }
}

/** Whether a project is meant; 401 for one where the user has no role. */
function isScoped({ tenantName, tenantId }: Fields, { isRackspace, hasProject }: Login): boolean {
  if (tenantName !== undefined && tenantId !== undefined) throw complaint('both tenantName and tenantId')
  if (tenantName === undefined && tenantId === undefined) return hasProject
  const ids: readonly unknown[] = isRackspace ? [RACKSPACE.tenantId, RACKSPACE.account] : [PROJECT.id]
  const names: readonly unknown[] = isRackspace ? [RACKSPACE.tenantId, RACKSPACE.account] : [PROJECT.name]
  if (tenantId === undefined ? names.includes(tenantName) : ids.includes(tenantId)) return true
  throw refused()
}

/** `POST /v2.0/tokens`. */
export function loginV2(context: OperationContext): StrictAnswer {
  const { state, request } = context
  const { auth: asked } = onlyKeys(jsonBody(request), ['auth'])
  const auth = onlyKeys(fieldsOf(asked), [API_KEY, 'passwordCredentials', 'token', 'tenantName', 'tenantId'])
  const login = loginOf(auth, context)
  const hasScope = isScoped(auth, login)
  const services: Service[] = !hasScope ? [] : login.isRackspace ? rackspaceCatalog(state) : keystoneCatalog(state)
  const now = state.now()
  const expiresMs = now + (state.options.tokenSecs ?? 86_400) * 1000
  const token = state.tokens.give(login.isRackspace ? 'rackspace' : 'v2', accountsOf(services), now, expiresMs)
  const tenant = login.isRackspace
    ? { id: RACKSPACE.tenantId, name: RACKSPACE.tenantId }
    : { id: PROJECT.id, name: PROJECT.name, enabled: true, description: null }
  const access = {
    token: {
      id: token.text,
      issued_at: new Date(now).toISOString(),
      expires: new Date(expiresMs).toISOString().replace(/\.\d+Z$/, 'Z'),
      ...(hasScope ? { tenant } : {}),
    },
    user: { ...login.user, username: login.user.name, roles: hasScope ? [{ name: 'swiftoperator' }] : [] },
    serviceCatalog: catalogV2(services),
    ...(login.isRackspace ? {} : { metadata: { is_admin: 0, roles: [] } }),
  }
  return jsonAnswer({ access })
}

/** `POST /v1.1/auth`. */
export function loginV11(context: OperationContext): StrictAnswer {
  const { state, request } = context
  const { credentials } = onlyKeys(jsonBody(request), ['credentials'])
  const { username, key } = onlyKeys(fieldsOf(credentials), ['username', 'key'])
  if (username !== RACKSPACE.username || key !== RACKSPACE.apiKey) throw failed(401, 'Username or api key is invalid')
  const services = rackspaceCatalog(state)
  const now = state.now()
  const expiresMs = now + (state.options.tokenSecs ?? 86_400) * 1000
  const token = state.tokens.give('rackspace', accountsOf(services), now, expiresMs)
  const serviceCatalog = Object.fromEntries(
    services.map(({ name, endpoints, isPublicOnly }) => [
      name,
      endpoints.map(({ region, publicUrl, internalUrl }, index) => ({
        region,
        publicURL: publicUrl,
        ...(index === 0 ? { v1Default: true } : {}),
        ...(isPublicOnly ? {} : { internalURL: internalUrl }),
      })),
    ]),
  )
  const expires = new Date(expiresMs).toISOString().replace('Z', '-00:00')
  return jsonAnswer({ auth: { token: { id: token.text, expires }, serviceCatalog } })
}
