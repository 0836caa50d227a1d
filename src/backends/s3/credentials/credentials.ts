import { ImproperlyConfigured, StorageError } from '../../../core/errors.ts'
import { importOptional } from '../../../core/optional.ts'
import type { Origin, ResolvedSettings } from '../../../core/settings.ts'
import { shownText } from '../../../http/http-error.ts'
import type { CredentialSource, SigningCredentials } from '../../../remote/sign/query.ts'
import { s3Settings } from '../settings/settings.ts'
import { type Environment, type ProfilePlace, profilePlace, readStaticKeys } from './shared-profile.ts'

/** Keys that may end. */
export interface ExpiringCredentials extends SigningCredentials {
  readonly expiration?: Date | undefined
}

/** The settings that say where keys come from. */
export interface CredentialOptions {
  readonly accessKey: string | null
  readonly secretKey: string | null
  readonly securityToken: string | null
  readonly sessionProfile: string | null
  readonly signatureVersion: string
}

const EARLY_MS = 5 * 60_000

/** Keys that are loaded when first needed and again before they end: once, however many calls are waiting. */
export class RefreshingCredentials implements CredentialSource {
  readonly #load: () => Promise<ExpiringCredentials>
  readonly #now: () => number
  #current: ExpiringCredentials | undefined
  #loading: Promise<ExpiringCredentials> | undefined

  constructor(load: () => Promise<ExpiringCredentials>, now: () => number = () => Date.now()) {
    this.#load = load
    this.#now = now
  }

  get(): SigningCredentials | Promise<SigningCredentials> {
    const current = this.#current
    const end = current?.expiration?.getTime() ?? Number.POSITIVE_INFINITY
    if (current !== undefined && end - this.#now() > EARLY_MS) return current
    this.#loading ??= this.#load()
      .then(loaded => {
        this.#current = loaded
        return loaded
      })
      .finally(() => {
        this.#loading = undefined
      })
    if (current === undefined || end <= this.#now()) return this.#loading
    // Still valid: a failed renewal is tried again by the next call.
    this.#loading.catch(() => undefined)
    return current
  }
}

const NEAREST: readonly Origin['from'][] = ['option', 'class', 'setting', 'environment']

/** Options without a session token that comes from farther away than the secret key, and so belongs to other keys. */
export function withOwnToken<O>(found: ResolvedSettings<O>): ResolvedSettings<O> {
  const origins = found.origins as Readonly<Record<string, Origin>>
  const distance = (name: string) => NEAREST.indexOf(origins[name]?.from ?? 'default')
  if (distance('secretKey') === -1 || distance('securityToken') <= distance('secretKey')) return found
  return without(found, ['securityToken'])
}

/** Options without keys of the environment where a profile is named: the profile wins over them, as it does in Python. */
export function withNamedProfile<O>(found: ResolvedSettings<O>): ResolvedSettings<O> {
  const { sessionProfile = null } = found.options as Partial<CredentialOptions>
  if (sessionProfile === null) return found
  const origins = found.origins as Readonly<Record<string, Origin>>
  const names = ['accessKey', 'secretKey', 'securityToken'].filter(name => origins[name]?.from === 'environment')
  return without(found, names)
}

function without<O>({ options, origins }: ResolvedSettings<O>, names: readonly string[]): ResolvedSettings<O> {
  const values = Object.fromEntries(names.map(name => [name, null]))
  const nowhere = Object.fromEntries(names.map((key): [string, Origin] => [key, { from: 'default', key }]))
  return { options: Object.freeze({ ...options, ...values }), origins: { ...origins, ...nowhere } }
}

/** Refuses settings that contradict each other; nothing is read yet. */
export function checkCredentialOptions(options: CredentialOptions): void {
  const { accessKey, secretKey, sessionProfile } = options
  if (sessionProfile !== null && (accessKey !== null || secretKey !== null)) {
    throw new ImproperlyConfigured(
      'AWS_S3_SESSION_PROFILE/session_profile should not be provided with AWS_S3_ACCESS_KEY_ID/access_key and AWS_S3_SECRET_ACCESS_KEY/secret_key',
    )
  }
  if ((accessKey === null) !== (secretKey === null)) {
    const missing = accessKey === null ? 'AWS_S3_ACCESS_KEY_ID/access_key' : 'AWS_S3_SECRET_ACCESS_KEY/secret_key'
    throw new ImproperlyConfigured(`The keys must be provided together: ${missing} is missing.`)
  }
}

/**
 * Keys of the options, else of the environment unless a profile is named, else of a profile, else of the official provider chain
 * (SSO, web identity, containers, instances).
 */
export function credentialSource(options: CredentialOptions, env: Environment): CredentialSource {
  checkCredentialOptions(options)
  const { accessKey, secretKey, securityToken } = options
  if (options.signatureVersion === 'unsigned') return { get: () => null }
  if (accessKey !== null && secretKey !== null) {
    const fixed = { accessKeyId: accessKey, secretAccessKey: secretKey, sessionToken: securityToken ?? undefined }
    return { get: () => fixed }
  }
  const ofEnvironment = options.sessionProfile === null ? environmentKeys(env) : undefined
  if (ofEnvironment !== undefined) return { get: () => ofEnvironment }
  let chain: (() => Promise<ExpiringCredentials>) | undefined
  return new RefreshingCredentials(async () => {
    const place = profilePlace(options.sessionProfile, env)
    const found = await readStaticKeys(place)
    if (found !== undefined) return found
    chain ??= await officialChain(place)
    return chain()
  })
}

/** Keys of the environment, which count also where the settings say null: so does Python's None. */
function environmentKeys(env: Environment): SigningCredentials | undefined {
  const first = (names: readonly string[]) => names.map(name => env[name]).find(Boolean)
  const accessKeyId = first(s3Settings.accessKey.keys)
  const secretAccessKey = first(s3Settings.secretKey.keys)
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined
  return { accessKeyId, secretAccessKey, sessionToken: first(s3Settings.securityToken.keys) }
}

async function officialChain(place: ProfilePlace): Promise<() => Promise<ExpiringCredentials>> {
  const purpose = 'Finding AWS credentials without AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY'
  const { fromNodeProviderChain } = await importOptional(
    '@aws-sdk/credential-providers',
    purpose,
    () => import('@aws-sdk/credential-providers'),
  )
  const { profile, isNamed, credentialsFile: filepath, configFile: configFilepath } = place
  const provider = fromNodeProviderChain({ filepath, configFilepath, ...(isNamed ? { profile } : {}) })
  return async () => {
    try {
      return await provider()
    } catch (cause) {
      throw new StorageError('permission_denied', 'No AWS credentials were found by the official provider chain.', {
        cause: quiet(cause),
        retryable: false,
      })
    }
  }
}

/** What the chain reported, without what it read: parsers quote documents that hold keys, and a failed process its command and output. */
function quiet(error: unknown): Error {
  const { name, message } = error instanceof Error ? error : new Error(String(error))
  let text = shownText(message.split('\n', 1)[0]!)
  if (error instanceof SyntaxError) text = 'A document with credentials could not be parsed.'
  else if (text.startsWith('Command failed')) text = 'A credential_process failed.'
  return Object.assign(new Error(text), { name })
}
