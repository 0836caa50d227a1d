import { ImproperlyConfigured } from '../../core/errors.ts'
import type { SettingsOf } from '../../core/settings.ts'
import type { AuthRequest } from '../auth-service.ts'
import { type AuthAddress, authAddress } from './address.ts'
import { type AuthChoice, type AuthKind, type AuthVersion, parseAuth } from './auth-version.ts'
import type { IdentityOptions } from './settings.ts'

/** How a token is requested. */
export interface AuthPlan extends AuthAddress {
  readonly request: AuthRequest
  /** Names of the settings that hold the credentials. */
  readonly settings: readonly string[]
  /** Names of the settings for the address and the method. */
  readonly places: readonly string[]
}

type Names = Readonly<Record<keyof IdentityOptions, string>>
type Body = Readonly<Record<string, unknown>>

/** The name of each option in messages: its first global name. */
export function settingNames(declared: SettingsOf<IdentityOptions>): Names {
  const named = Object.entries(declared).map(([option, { keys }]) => [option, keys[0] ?? option])
  return Object.fromEntries(named) as Names
}

/**
 * Returns how to request a token with these options. Code `improperly_configured`, with names of settings, for missing or contradictory
 * options.
 */
export function authPlan(options: IdentityOptions, names: Names): AuthPlan {
  return new Planner(options, names).plan()
}

class Planner {
  readonly #options: IdentityOptions
  readonly #names: Names
  readonly #used: Set<keyof IdentityOptions> = new Set()

  constructor(options: IdentityOptions, names: Names) {
    this.#options = options
    this.#names = names
  }

  plan(): AuthPlan {
    const kind = this.#kind()
    const address = authAddress(this.#need('authUrl'), this.#names, this.#version(kind), this.#implied(kind))
    const request = this.#request(address, kind)
    const settings = Array.from(this.#used, option => this.#names[option]).filter(name => name !== this.#names.authUrl)
    return { ...address, request, settings, places: [this.#names.authUrl, this.#names.authVersion] }
  }

  /** The method that is set, else the one that the credentials imply. */
  #kind(): AuthKind {
    const { applicationCredentialId, applicationCredentialName, password, token } = this.#options
    const set = this.#chosen('authType')?.kind ?? this.#chosen('authVersion')?.kind
    if (set !== undefined) return set
    if (applicationCredentialId !== null || applicationCredentialName !== null) return 'appcred'
    return token !== null && password === null ? 'token' : 'password'
  }

  #chosen(option: 'authVersion' | 'authType'): AuthChoice | undefined {
    const value = this.#options[option]
    return value === null ? undefined : parseAuth(value)
  }

  #version(kind: AuthKind): AuthVersion | undefined {
    const [version, other] = [this.#chosen('authVersion')?.version, this.#chosen('authType')?.version]
    if (version !== undefined && other !== undefined && version !== other) {
      const text = `${this.#names.authVersion} is ${version}, but ${this.#names.authType} is ${other}.`
      throw new ImproperlyConfigured(text)
    }
    return version ?? other ?? (kind === 'appcred' ? 3 : undefined)
  }

  /** The version that the credentials imply, if neither a setting nor the address contains it. */
  #implied(kind: AuthKind): AuthVersion | undefined {
    if (kind === 'apikey') return 2
    const o = this.#options
    const isKeystone = kind !== 'password' || [o.projectName, o.projectId, o.domainName, o.domainId].some(isGiven)
    if (isKeystone || [o.userId, o.userDomainName, o.userDomainId].some(isGiven)) return 3
    return o.username?.includes(':') ? 1 : undefined
  }

  #request({ version, url }: AuthAddress, kind: AuthKind): AuthRequest {
    if (version === 3) return this.#posted(url, { auth: this.#v3(kind) }, [200, 201], ['token'], ['x-subject-token'])
    if (version === 2) return this.#posted(url, { auth: this.#v2(kind) }, [200, 203], ['access'])
    if (kind !== 'password' && kind !== 'apikey') throw this.#odd(version, kind)
    const [username, key] = [this.#need('username'), this.#need('password')]
    if (version === 1.1) return this.#posted(url, { credentials: { username, key } }, [200, 203], ['auth'])
    if (/[^ -~]/.test(username + key)) {
      const text = `${this.#names.username} and ${this.#names.password} go into headers with version 1: expected printable ASCII.`
      throw new ImproperlyConfigured(text)
    }
    return {
      method: 'GET',
      url,
      headers: { 'x-auth-user': username, 'x-auth-key': key },
      expected: {
        statuses: [200, 204],
        headers: ['x-storage-url'],
        fileHas: ['x-auth-token', 'x-storage-token'],
      },
      secrets: this.#secrets,
    }
  }

  #posted(url: string, body: Body, statuses: number[], fields: string[], headers: string[] = []): AuthRequest {
    return {
      method: 'POST',
      url,
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify(body),
      expected: { statuses, fields, headers },
      secrets: this.#secrets,
      reads: true,
    }
  }

  /** The body of version 2. (Identity API v2.0; Rackspace, "Authenticate") */
  #v2(kind: AuthKind): Body {
    if (kind === 'appcred') throw this.#odd(2, kind)
    if (kind === 'token') return { token: { id: this.#need('token') }, ...this.#tenant(undefined) }
    const [given, secret] = [this.#need('username'), this.#need('password')]
    if (kind === 'apikey') {
      const credentials = { username: given, apiKey: secret }
      return { 'RAX-KSKEY:apiKeyCredentials': credentials, ...this.#tenant(undefined) }
    }
    const { projectName, projectId } = this.#options
    // swiftclient also accepts `tenant:user`.
    const colon = projectName === null && projectId === null ? given.indexOf(':') : -1
    const username = given.slice(colon + 1)
    const tenant = colon < 0 ? undefined : given.slice(0, colon)
    return { passwordCredentials: { username, password: secret }, ...this.#tenant(tenant) }
  }

  #tenant(ofUser: string | undefined): Body {
    const id = this.#maybe('projectId')
    if (id !== null) return { tenantId: id }
    const name = ofUser ?? this.#maybe('projectName')
    return name === null ? {} : { tenantName: name }
  }

  /** The body of version 3. (Identity API v3, "Authentication and token management") */
  #v3(kind: AuthKind): Body {
    if (kind === 'apikey') throw this.#odd(3, kind)
    if (kind === 'appcred') {
      // An application credential is for one project and refuses any scope.
      return { identity: { methods: ['application_credential'], application_credential: this.#appCredential() } }
    }
    const scope = this.#scope()
    if (kind === 'token') return { identity: { methods: ['token'], token: { id: this.#need('token') } }, ...scope }
    const user = { ...this.#user(), password: this.#need('password') }
    return { identity: { methods: ['password'], password: { user } }, ...scope }
  }

  #appCredential(): Body {
    const id = this.#maybe('applicationCredentialId')
    const named = id === null ? { name: this.#need('applicationCredentialName'), user: this.#user() } : { id }
    return { ...named, secret: this.#need('applicationCredentialSecret') }
  }

  #user(): Body {
    const id = this.#maybe('userId')
    if (id !== null) return { id }
    return { name: this.#need('username'), domain: this.#domain('userDomainId', 'userDomainName') ?? DEFAULT_DOMAIN }
  }

  #scope(): Body {
    const id = this.#maybe('projectId')
    if (id !== null) return { scope: { project: { id } } }
    const name = this.#maybe('projectName')
    if (name !== null) {
      const own = this.#domain('projectDomainId', 'projectDomainName')
      const domain = own ?? this.#domain('userDomainId', 'userDomainName') ?? DEFAULT_DOMAIN
      return { scope: { project: { name, domain } } }
    }
    const domain = this.#domain('domainId', 'domainName')
    return domain === undefined ? {} : { scope: { domain } }
  }

  #domain(idOption: keyof IdentityOptions, nameOption: keyof IdentityOptions): Body | undefined {
    const id = this.#maybe(idOption)
    if (id !== null) return { id }
    const name = this.#maybe(nameOption)
    return name === null ? undefined : { name }
  }

  get #secrets(): ReadonlyArray<string | undefined> {
    const { password, applicationCredentialSecret, token } = this.#options
    return [password ?? undefined, applicationCredentialSecret ?? undefined, token ?? undefined]
  }

  #maybe(option: keyof IdentityOptions): string | null {
    const value = this.#options[option]
    if (typeof value !== 'string' || value === '') return null
    this.#used.add(option)
    return value
  }

  #need(option: keyof IdentityOptions): string {
    const value = this.#maybe(option)
    if (value !== null) return value
    const name = this.#names[option]
    const hint = name.startsWith('SWIFT_') ? ' OS_* of the environment counts together with OS_AUTH_URL only.' : ''
    throw new ImproperlyConfigured(`${name} is missing, which authentication needs.${hint}`)
  }

  #odd(version: AuthVersion, kind: AuthKind): ImproperlyConfigured {
    return new ImproperlyConfigured(
      `${this.#names.authType}: version ${version} of the identity API has no authentication by ${kind}.`,
    )
  }
}

const DEFAULT_DOMAIN: Body = { id: 'default' }

function isGiven(value: string | null): boolean {
  return value !== null && value !== ''
}
