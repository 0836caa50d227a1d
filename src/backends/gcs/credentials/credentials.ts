import { ImproperlyConfigured } from '../../../core/errors.ts'
import type { HttpClient } from '../../../http/request.ts'
import { textOf } from '../../../remote/answers.ts'
import { type AccessToken, AuthService } from '../../../remote/auth-service.ts'
import { Renewed } from '../../../remote/token.ts'
import {
  applicationDefault,
  type CredentialsFile,
  type Environment,
  type GivenCredentials,
  isTokenClient,
  readCredentials,
} from './given.ts'
import { ServiceAccountKey } from './key.ts'
import { MetadataServer } from './metadata-server.ts'
import { clientToken, keyToken, libraryClient, userToken } from './tokens.ts'

/** The identity of a storage: the source of its tokens, and its key if it has one. */
interface Identity {
  readonly load: () => Promise<AccessToken>
  readonly key?: ServiceAccountKey | undefined
  /** Address of the account, requested if it is not known. */
  readonly email?: (() => Promise<string>) | undefined
  readonly projectId?: (() => Promise<string>) | undefined
  /** The project that is billed for the requests of a user. */
  readonly quotaProject?: string | undefined
}

/** A token with the project that is billed for its requests. */
export interface GcsToken extends AccessToken {
  readonly quotaProject: string | undefined
}

/** The credentials of one storage: found at first use, and searched for again after a failure. */
export class GcsCredentials {
  readonly auth: AuthService
  readonly #given: GivenCredentials
  readonly #env: Environment
  readonly #tokens: Renewed<GcsToken>
  #identity: Promise<Identity> | undefined

  /** `anonymous` if no credentials should be sent: there are no tokens then. */
  constructor(given: GivenCredentials, env: Environment, http: Pick<HttpClient, 'request'>) {
    this.#given = given
    this.#env = env
    this.auth = new AuthService(http)
    const load = async (): Promise<GcsToken> => {
      const { load, quotaProject } = await this.#find()
      return { ...(await load()), quotaProject }
    }
    this.#tokens = new Renewed(load, { endOf: ({ expiresAt }) => expiresAt })
  }

  /** Whether requests are sent without a token. */
  get isAnonymous(): boolean {
    return this.#given === 'anonymous'
  }

  /** The token, without a promise if it is already loaded; null if requests are sent without a token. */
  token(signal?: AbortSignal): GcsToken | Promise<GcsToken> | null {
    return this.isAnonymous ? null : this.#tokens.get(signal)
  }

  /** Forgets a token that the service has refused. */
  drop(token: object): void {
    this.#tokens.drop(token)
  }

  /** The private key; undefined if the credentials have none. */
  async key(): Promise<ServiceAccountKey | undefined> {
    return this.isAnonymous ? undefined : (await this.#find()).key
  }

  /** Address of the service account; undefined if it is unknown. */
  async email(): Promise<string | undefined> {
    return this.isAnonymous ? undefined : (await this.#find()).email?.()
  }

  /** The project in the environment. */
  get namedProject(): string | undefined {
    return this.#env['GOOGLE_CLOUD_PROJECT'] || this.#env['GCLOUD_PROJECT'] || undefined
  }

  /** The project in the credentials or the environment. */
  async projectId(): Promise<string | undefined> {
    const { namedProject } = this
    if (namedProject !== undefined) return namedProject
    return this.isAnonymous ? undefined : (await this.#find()).projectId?.()
  }

  #find(): Promise<Identity> {
    this.#identity ??= this.#search().catch(error => {
      this.#identity = undefined
      throw error
    })
    return this.#identity
  }

  async #search(): Promise<Identity> {
    const given = this.#given
    if (isTokenClient(given)) return { load: () => clientToken(given), email: clientEmail(given) }
    if (given === null) return this.#ofMachine()
    return this.#ofFile(typeof given === 'string' ? await readCredentials(given, 'GS_CREDENTIALS') : given)
  }

  async #ofMachine(): Promise<Identity> {
    const file = await applicationDefault(this.#env)
    if (file !== undefined) return this.#ofFile(file)
    const server = new MetadataServer(this.auth, this.#env)
    return { load: () => server.token(), email: () => server.email(), projectId: () => server.projectId() }
  }

  async #ofFile(file: CredentialsFile): Promise<Identity> {
    const project = textOf(file['project_id'])
    const projectId = project === undefined ? undefined : async () => project
    const quotaProject = textOf(file['quota_project_id'])
    if (file['type'] === 'service_account') {
      const { client_email: email, private_key: pem } = file as Readonly<Record<string, string>>
      const key = new ServiceAccountKey(email!, pem!, textOf(file['private_key_id']))
      return { key, load: () => keyToken(this.auth, key, file), email: async () => key.email, projectId, quotaProject }
    }
    if (file['type'] === 'authorized_user') return { load: () => userToken(this.auth, file), projectId, quotaProject }
    const client = await libraryClient(file)
    return { load: () => clientToken(client), email: impersonated(file), projectId, quotaProject }
  }
}

/** A client of the library may know its account. */
function clientEmail(client: object): (() => Promise<string>) | undefined {
  const { email } = client as { email?: unknown }
  return typeof email === 'string' && email !== '' ? async () => email : undefined
}

/** The account that a file impersonates, from its URL: `.../serviceAccounts/<email>:generateAccessToken`. */
function impersonated({
  service_account_impersonation_url: url,
}: CredentialsFile): (() => Promise<string>) | undefined {
  const email = /\/serviceAccounts\/([^/:]{1,200}):/.exec(textOf(url) ?? '')?.[1]
  if (email === undefined) return undefined
  return async () => {
    try {
      return decodeURIComponent(email)
    } catch {
      throw new ImproperlyConfigured("GS_CREDENTIALS: 'service_account_impersonation_url' names no account")
    }
  }
}
