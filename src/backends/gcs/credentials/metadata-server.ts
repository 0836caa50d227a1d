import { StorageError } from '../../../core/errors.ts'
import { sharedContext } from '../../../remote/aftermath.ts'
import { type AccessToken, type AuthService, tokenOf } from '../../../remote/auth-service.ts'
import type { Environment } from './given.ts'
import { SCOPES } from './key.ts'

const HOST = 'metadata.google.internal'
const ACCOUNT = '/computeMetadata/v1/instance/service-accounts/default'
const PROJECT = '/computeMetadata/v1/project/project-id'
/** An answer without this header comes from another server. (https://cloud.google.com/compute/docs/metadata/querying-metadata) */
const FLAVOR = 'metadata-flavor'

/** The metadata of a machine at Google about its service account. */
export class MetadataServer {
  readonly #auth: AuthService
  readonly #base: string

  constructor(auth: AuthService, env: Environment) {
    this.#auth = auth
    const given = env['GCE_METADATA_HOST'] || env['GCE_METADATA_IP'] || HOST
    this.#base = `${/^https?:\/\//.test(given) ? given.replace(/\/$/, '') : `http://${given}`}${ACCOUNT}`
  }

  async token(): Promise<AccessToken> {
    const purpose = "The token of the machine's service account"
    const expected = { statuses: [200], headers: [FLAVOR], fields: ['access_token'] }
    const url = `${this.#base}/token?scopes=${encodeURIComponent(SCOPES.join(','))}`
    try {
      return tokenOf(await this.#auth.json(purpose, { ...this.#request(url), expected }, sharedContext()), purpose)
    } catch (cause) {
      throw absent(cause) ?? cause
    }
  }

  /** The project of the machine. */
  async projectId(): Promise<string> {
    const expected = { statuses: [200], headers: [FLAVOR] }
    const url = this.#base.replace(ACCOUNT, PROJECT)
    const purpose = "The machine's project"
    const id = await this.#auth.text(purpose, { ...this.#request(url), expected }, sharedContext())
    if (/^[a-z0-9][a-z0-9.:-]{0,99}$/.test(id)) return id
    throw new StorageError('unavailable', `${purpose}: the answer is not a project id.`, { outcome: 'not_applied' })
  }

  /** The e-mail address of the account. */
  async email(): Promise<string> {
    const expected = { statuses: [200], headers: [FLAVOR] }
    const purpose = "The address of the machine's service account"
    const email = await this.#auth.text(purpose, { ...this.#request(`${this.#base}/email`), expected }, sharedContext())
    if (/^[^\s@]+@[^\s@]+$/.test(email)) return email
    throw new StorageError('unavailable', `${purpose}: the answer is not an e-mail address.`, {
      outcome: 'not_applied',
    })
  }

  #request(url: string) {
    return { method: 'GET', url, headers: { [FLAVOR]: 'Google' }, secrets: [] } as const
  }
}

/** The error if there is no metadata server, which is the most frequent cause. */
function absent(cause: unknown): StorageError | undefined {
  const { code, status } = (cause ?? {}) as Partial<StorageError>
  if ((code !== 'unavailable' && code !== 'timeout') || status !== undefined) return undefined
  const text =
    'No Google credentials were found: GS_CREDENTIALS and GOOGLE_APPLICATION_CREDENTIALS are not set, ' +
    'there is no file of `gcloud auth application-default login`, and this machine has no metadata server.'
  return new StorageError('permission_denied', text, { cause, retryable: false })
}
