import type { CallContext } from '../../core/call.ts'
import { ImproperlyConfigured } from '../../core/errors.ts'
import type { SettingsOf } from '../../core/settings.ts'
import type { Services } from '../../storage/types.ts'
import { pickEndpoint, publicEndpoint } from './catalog.ts'
import { type AuthPlan, authPlan, settingNames } from './credentials.ts'
import type { Grant } from './grant.ts'
import { type Grants, type IdentityConnection, sharedGrants } from './grants.ts'
import type { Session } from './session.ts'
import { type IdentityOptions, identitySettings } from './settings.ts'

/** The credentials of one storage, and how to reach its identity service. */
export type IdentityInput = IdentityOptions & IdentityConnection

/** Differences between clouds. */
export interface IdentityTraits {
  /** The declarations of the options, for the names in messages. Default: those of Swift. */
  readonly declared?: SettingsOf<IdentityOptions> | undefined
  /** Returns the internal address of an account, if version 1 returns the public one. */
  internalOf?(url: string): string
}

/**
 * The sessions of one storage. Storages with equal credentials and connection settings share one token in the process.
 *
 * @example
 * const identity = new Identity(options, services)
 * const { token, storageUrl } = await identity.session(ctx)
 */
export class Identity {
  readonly #options: IdentityInput
  readonly #traits: IdentityTraits
  readonly #names: Readonly<Record<keyof IdentityOptions, string>>
  readonly #grants: Grants | undefined
  /** A session made of settings only, until the service refuses it. */
  #given: Session | undefined
  #last: { readonly grant: Grant; readonly session: Session } | undefined

  /** Checks the options without the network: missing or contradictory credentials are `improperly_configured`. Does no I/O. */
  constructor(options: IdentityInput, services: Services, traits: IdentityTraits = {}) {
    this.#options = options
    this.#traits = traits
    this.#names = settingNames(traits.declared ?? identitySettings)
    this.#given = givenSession(options)
    const isComplete = this.#given !== undefined && !hasCredentials(options)
    const plan = isComplete ? undefined : authPlan(options, this.#names)
    if (plan !== undefined) this.#checkInterface(plan)
    this.#grants = plan && sharedGrants(plan, options, services)
  }

  /**
   * The session, without a promise if it is already loaded. It is loaded once for all waiting calls, with their retries. A refusal is
   * `permission_denied`.
   */
  session(ctx: Pick<CallContext, 'signal' | 'step'>): Session | Promise<Session> {
    const grants = this.#grants
    if (this.#given !== undefined || grants === undefined) return this.#given!
    const grant = grants.get(ctx.signal)
    if (!(grant instanceof Promise)) return this.#sessionOf(grant)
    let first: Promise<Grant> | undefined = grant
    return ctx.step('authenticate', true, async step => {
      const current = first ?? grants.get(step.signal)
      first = undefined
      return this.#sessionOf(await current)
    })
  }

  /** Forgets a session whose token the service refused (401). Returns whether a new session can be requested. */
  drop(session: unknown): boolean {
    const last = this.#last
    if (this.#grants === undefined) return false
    if (session === this.#given) this.#given = undefined
    // An older session has a token that was already replaced.
    else if (last !== undefined && session === last.session) this.#grants.drop(last.grant)
    return true
  }

  /** Texts that no message may contain, besides the token of a request. */
  get secrets(): ReadonlyArray<string | undefined> {
    const { password, applicationCredentialSecret, token } = this.#options
    return [password ?? undefined, applicationCredentialSecret ?? undefined, token ?? undefined]
  }

  #sessionOf(grant: Grant): Session {
    if (this.#last?.grant === grant) return this.#last.session
    const { token, expiresAt } = grant
    const session = { token, expiresAt, ...this.#addresses(grant) }
    this.#last = { grant, session }
    return session
  }

  #addresses({ endpoints, isCatalog }: Grant): Pick<Session, 'storageUrl' | 'publicUrl' | 'cdnUrl'> {
    const { storageUrl: own } = this.#options
    const wanted = isCatalog ? this.#options : { ...this.#options, ...SINGLE }
    const cdn = { ...wanted, serviceType: CDN_TYPE, serviceName: null }
    const cdnUrl = publicEndpoint(endpoints, cdn)
    if (own !== null) return { storageUrl: own, publicUrl: own, cdnUrl }
    if (endpoints.length === 0) throw this.#unscoped()
    const storageUrl = pickEndpoint(endpoints, { ...wanted, ...(isCatalog ? {} : PUBLIC) }, this.#names)
    const publicUrl = publicEndpoint(endpoints, wanted) ?? storageUrl
    const isInternal = !isCatalog && this.#options.interface === 'internal'
    return { storageUrl: isInternal ? this.#internal(storageUrl) : storageUrl, publicUrl, cdnUrl }
  }

  #internal(url: string): string {
    return this.#traits.internalOf?.(url) ?? url
  }

  #checkInterface({ version }: AuthPlan): void {
    const { interface: side, storageUrl } = this.#options
    if (version !== 1 || side === 'public' || storageUrl !== null) return
    if (side === 'internal' && this.#traits.internalOf !== undefined) return
    const text = `version 1 of the identity API returns one address, and none for the ${side} interface.`
    throw new ImproperlyConfigured(`${this.#names.interface}: ${text}`)
  }

  #unscoped(): ImproperlyConfigured {
    const { projectId, projectName, domainName } = this.#names
    const text = `the token is for no project. Set ${projectName}, ${projectId} or ${domainName}.`
    return new ImproperlyConfigured(`The identity service returned no catalog: ${text}`)
  }
}

const CDN_TYPE = 'rax:object-cdn'
/** The values of the only endpoint in version 1. */
const SINGLE = { serviceType: 'object-store', serviceName: null, regionName: null } as const
const PUBLIC = { interface: 'public' } as const

function givenSession({ token, storageUrl }: IdentityOptions): Session | undefined {
  if (token === null || storageUrl === null) return undefined
  return { token, storageUrl, publicUrl: storageUrl, expiresAt: undefined }
}

/** Whether there are credentials to request a new token with, besides a token. */
function hasCredentials({ authUrl, password, applicationCredentialSecret }: IdentityOptions): boolean {
  return authUrl !== null && (password !== null || applicationCredentialSecret !== null)
}
