import { ImproperlyConfigured, StorageError } from '../../../core/errors.ts'
import { importOptional } from '../../../core/optional.ts'
import { type Origin, type ResolvedSettings, withoutOptions } from '../../../core/settings.ts'
import type { CredentialSource, SigningCredentials } from '../../../remote/sign/query.ts'
import { Renewed } from '../../../remote/token.ts'
import { s3Settings } from '../settings/settings.ts'
import { checkedKeys, checkedSetting } from './checked.ts'
import { type ExpiringCredentials, profileProvider, quietCause } from './profile-provider.ts'
import {
  type Environment,
  type Profile,
  type ProfilePlace,
  profilePlace,
  readProfile,
  staticKeys,
} from './shared-profile.ts'

export type { ExpiringCredentials } from './profile-provider.ts'

/** The settings for the source of the keys. */
export interface CredentialOptions {
  readonly accessKey: string | null
  readonly secretKey: string | null
  readonly securityToken: string | null
  readonly sessionProfile: string | null
  readonly signatureVersion: string
}

/** Keys that are loaded at first use and again before they expire. */
export class RefreshingCredentials extends Renewed<ExpiringCredentials> implements CredentialSource {
  constructor(load: () => Promise<ExpiringCredentials>, now?: () => number) {
    super(load, { endOf: keys => keys.expiration, now })
  }
}

const NEAREST: readonly Origin['from'][] = ['option', 'class', 'setting', 'environment']

/** Removes a session token with a lower priority than the secret key, since the token belongs to other keys. */
export function withOwnToken<O>(found: ResolvedSettings<O>): ResolvedSettings<O> {
  const origins = found.origins as Readonly<Record<string, Origin>>
  const distance = (name: string) => NEAREST.indexOf(origins[name]?.from ?? 'default')
  if (distance('secretKey') === -1 || distance('securityToken') <= distance('secretKey')) return found
  return withoutOptions(found, ['securityToken'])
}

/** Removes keys of the environment if a profile is set: the profile has priority, as in Python. */
export function withNamedProfile<O>(found: ResolvedSettings<O>): ResolvedSettings<O> {
  const { sessionProfile = null } = found.options as Partial<CredentialOptions>
  if (sessionProfile === null) return found
  const origins = found.origins as Readonly<Record<string, Origin>>
  const names = ['accessKey', 'secretKey', 'securityToken'].filter(name => origins[name]?.from === 'environment')
  return withoutOptions(found, names)
}

/** Refuses contradictory settings. Reads no file. */
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
 * Keys of the options, else of the environment unless a profile is set, else of a profile, else of the official provider chain (SSO, web
 * identity, containers, instances).
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
    const profile = await readProfile(place)
    const found = staticKeys(profile, place)
    if (found !== undefined) return found
    chain ??= await officialChain(place, profile)
    return checkedKeys(await chain(), 'The AWS provider chain')
  })
}

/** Keys of the environment. They also count if the settings have null, like Python's None. */
function environmentKeys(env: Environment): SigningCredentials | undefined {
  const first = (option: 'accessKey' | 'secretKey' | 'securityToken'): string | undefined => {
    const key = s3Settings[option].keys.find(name => env[name])
    return key === undefined ? undefined : checkedSetting(option, env[key], key)
  }
  const accessKeyId = first('accessKey')
  const secretAccessKey = first('secretKey')
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined
  return { accessKeyId, secretAccessKey, sessionToken: first('securityToken') }
}

async function officialChain(place: ProfilePlace, content: Profile): Promise<() => Promise<ExpiringCredentials>> {
  const purpose = 'Finding AWS credentials without AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY'
  const name = '@aws-sdk/credential-providers'
  const providers = await importOptional<typeof import('@aws-sdk/credential-providers')>(name, purpose)
  const { profile, isNamed, credentialsFile: filepath, configFile: configFilepath } = place
  const own = profileProvider(providers, content, place)
  if (own !== undefined && isNamed) return own
  const chain = providers.fromNodeProviderChain({ filepath, configFilepath, ...(isNamed ? { profile } : {}) })
  return async () => {
    // If the default profile fails, the container or the machine may still have keys.
    const ofProfile = await own?.().catch((error: unknown) => ({ error }))
    if (ofProfile !== undefined && !('error' in ofProfile)) return ofProfile
    try {
      return await chain()
    } catch (cause) {
      if (ofProfile !== undefined) throw ofProfile.error
      throw new StorageError('permission_denied', 'No AWS credentials were found by the official provider chain.', {
        cause: quietCause(cause),
        retryable: false,
      })
    }
  }
}
