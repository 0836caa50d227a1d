/** Keystone v3 (https://docs.openstack.org/api-ref/identity/v3). */
import { randomBytes } from 'node:crypto'
import { jsonAnswer, type StrictAnswer } from '../strict/answer.ts'
import { accountsOf, catalogV3, keystoneCatalog } from './catalog.ts'
import type { OperationContext, ServerState } from './context.ts'
import { complaint, failed } from './errors.ts'
import { APPLICATION_CREDENTIAL, DOMAIN, OTHER_PROJECT, PROJECT, USER } from './estate.ts'
import { type Fields, fieldsOf, jsonBody, onlyKeys, refused } from './identity-body.ts'
import type { Token } from './tokens.ts'

/** Whether a domain by id or name is the one that there is. */
function isDomain(value: unknown): boolean {
  const { id, name } = onlyKeys(fieldsOf(value), ['id', 'name'])
  if ((id === undefined) === (name === undefined)) throw failed(400, 'a domain by its id or its name')
  return id === undefined ? name === DOMAIN.name : id === DOMAIN.id
}

/** Whether a user by id, or by name and domain, is the one that there is. */
function isUser({ id, name, domain }: Fields): boolean {
  if (id !== undefined) {
    if (name !== undefined || domain !== undefined) throw complaint('a user by id and by name')
    return id === USER.id
  }
  if (name === undefined || domain === undefined) throw failed(400, 'a user by name needs its domain')
  return isDomain(domain) && name === USER.name
}

function checkPassword(value: unknown): void {
  const { user } = onlyKeys(fieldsOf(value), ['user'])
  const fields = onlyKeys(fieldsOf(user), ['id', 'name', 'domain', 'password'])
  if (!isUser(fields) || fields['password'] !== USER.password) throw refused()
}

function checkApplicationCredential(value: unknown): void {
  const { id, name, secret, user } = onlyKeys(fieldsOf(value), ['id', 'name', 'secret', 'user'])
  if (id === undefined && (name === undefined || user === undefined)) {
    throw failed(400, 'an application credential by its id, or by its name and user')
  }
  if (id !== undefined && id !== APPLICATION_CREDENTIAL.id) throw refused()
  if (id === undefined) {
    const fields = onlyKeys(fieldsOf(user), ['id', 'name', 'domain'])
    if (name !== APPLICATION_CREDENTIAL.name || !isUser(fields)) throw refused()
  }
  if (secret !== APPLICATION_CREDENTIAL.secret) throw refused()
}

/** Checks who logs in, and returns the method; 401 for wrong credentials. */
function methodOf(identity: Fields, state: ServerState): { readonly method: string; readonly old?: Token } {
  const { methods } = identity
  if (!Array.isArray(methods) || methods.length !== 1) throw complaint(`methods ${JSON.stringify(methods)}`)
  const method = String(methods[0])
  onlyKeys(identity, ['methods', method])
  const value = identity[method]
  switch (method) {
    case 'password':
      checkPassword(value)
      return { method }
    case 'application_credential':
      checkApplicationCredential(value)
      return { method }
    case 'token': {
      const { id } = onlyKeys(fieldsOf(value), ['id'])
      const old = state.tokens.find(String(id), state.now())
      if (old?.kind !== 'v3') throw refused()
      return { method, old }
    }
    default:
      throw complaint(`the method ${method}`)
  }
}

/** Whether the token is for the project; false without a project. */
function isForProject(scope: unknown): boolean {
  if (scope === undefined || scope === 'unscoped') return false
  const { project, domain } = onlyKeys(fieldsOf(scope), ['project', 'domain'])
  if ((project === undefined) === (domain === undefined)) throw complaint('a scope is a project or a domain')
  if (domain !== undefined) {
    if (!isDomain(domain)) throw refused()
    return false
  }
  const { id, name, domain: within } = onlyKeys(fieldsOf(project), ['id', 'name', 'domain'])
  if (id !== undefined) {
    if (name !== undefined) throw complaint('a project by id and by name')
    if (id === PROJECT.id) return true
    throw id === OTHER_PROJECT.id ? refused() : failed(401, `Could not find project: ${id}.`)
  }
  if (name === undefined || within === undefined) throw failed(400, 'a project by name needs its domain')
  if (isDomain(within) && name === PROJECT.name) return true
  throw refused()
}

function microseconds(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z')
}

function tokenDocument(state: ServerState, token: Token, method: string, withCatalog: boolean): object {
  const isScoped = token.accounts.length > 0
  const scope = {
    project: { id: PROJECT.id, name: PROJECT.name, domain: DOMAIN },
    is_domain: false,
    roles: [{ id: '9fe2ff9ee4384b1894a90878d3e92bab', name: 'swiftoperator' }],
    ...(withCatalog ? { catalog: catalogV3(keystoneCatalog(state)) } : {}),
  }
  const user = { id: USER.id, name: USER.name, domain: DOMAIN, password_expires_at: null }
  return {
    token: {
      methods: [method],
      user,
      audit_ids: [randomBytes(12).toString('base64url')],
      issued_at: microseconds(token.givenMs),
      expires_at: microseconds(token.expiresMs),
      ...(isScoped ? scope : {}),
    },
  }
}

/** `POST /v3/auth/tokens`. */
export function loginV3({ state, request }: OperationContext): StrictAnswer {
  const { auth: asked } = onlyKeys(jsonBody(request), ['auth'])
  const { identity, scope } = onlyKeys(fieldsOf(asked), ['identity', 'scope'])
  const { method, old } = methodOf(fieldsOf(identity), state)
  const isBound = method === 'application_credential'
  if (isBound && scope !== undefined) throw failed(401, 'Application credentials cannot request a scope.')
  const accounts = isBound || isForProject(scope) ? accountsOf(keystoneCatalog(state)) : []
  const now = state.now()
  // A token that another token gave lives no longer than that.
  const expiresMs = Math.min(
    old?.expiresMs ?? Number.POSITIVE_INFINITY,
    now + (state.options.tokenSecs ?? 86_400) * 1000,
  )
  const token = state.tokens.give('v3', accounts, now, expiresMs)
  const withCatalog = request.query['nocatalog'] === undefined
  const headers = { 'x-subject-token': token.text, vary: 'X-Auth-Token' }
  return jsonAnswer(tokenDocument(state, token, method, withCatalog), { status: 201, headers })
}

function subject({ state, request }: OperationContext): Token {
  const { headers } = request
  if (state.tokens.find(headers['x-auth-token'], state.now()) === undefined) throw refused()
  const token = state.tokens.find(headers['x-subject-token'], state.now())
  if (token === undefined) throw failed(404, 'Could not find token')
  return token
}

/** `GET /v3/auth/tokens`. */
export function validateV3(context: OperationContext): StrictAnswer {
  const token = subject(context)
  const headers = { 'x-subject-token': token.text }
  const withCatalog = context.request.query['nocatalog'] === undefined
  return jsonAnswer(tokenDocument(context.state, token, 'password', withCatalog), { headers })
}

/** `DELETE /v3/auth/tokens`. */
export function revokeV3(context: OperationContext): StrictAnswer {
  context.state.tokens.revoke(subject(context).text)
  return { status: 204 }
}

/** `GET /`, `/v3` and `/v2.0`: which versions there are. */
export function identityVersions({ state, request }: OperationContext): StrictAnswer {
  const { url } = state.running
  const version = (id: string, path: string): object => ({
    id,
    status: id === 'v2.0' ? 'deprecated' : 'stable',
    updated: '2020-04-07T00:00:00Z',
    links: [{ rel: 'self', href: `${url}${path}` }],
    'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }],
  })
  const v3 = version('v3.14', '/v3/')
  const v2 = version('v2.0', '/v2.0/')
  if (request.rawPath.startsWith('/v3')) return jsonAnswer({ version: v3 })
  if (request.rawPath.startsWith('/v2.0')) return jsonAnswer({ version: v2 })
  return jsonAnswer({ versions: { values: [v3, v2] } }, { status: 300 })
}
