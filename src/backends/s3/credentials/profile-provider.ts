import { ImproperlyConfigured, StorageError } from '../../../core/errors.ts'
import { shownText } from '../../../remote/http-error.ts'
import type { SigningCredentials } from '../../../remote/sign/query.ts'
import { type Profile, type ProfilePlace, profileSetting } from './shared-profile.ts'

/** Keys that may expire. */
export interface ExpiringCredentials extends SigningCredentials {
  readonly expiration?: Date | undefined
}

/** Loads keys. */
export type Provider = () => Promise<ExpiringCredentials>

/** Where the official providers look up a profile. */
interface ProviderInit {
  readonly profile: string
  readonly filepath: string
  readonly configFilepath: string
}

/** The used part of `@aws-sdk/credential-providers`. */
export interface OfficialProviders {
  fromIni(init: ProviderInit): Provider
  fromProcess(init: ProviderInit): Provider
  fromSSO(init: ProviderInit): Provider
}

const SSO = ['sso_start_url', 'sso_region', 'sso_account_id', 'sso_role_name'] as const

/**
 * The provider for a profile that says how to load its keys; undefined for another profile. The official chain has the same providers, but
 * continues after a failure and then reports only that there are no keys. An incomplete SSO configuration is `improperly_configured`.
 */
export function profileProvider(
  providers: OfficialProviders,
  profile: Profile,
  place: ProfilePlace,
): Provider | undefined {
  const has = (key: string) => profileSetting(profile, key) !== undefined
  const init = { profile: place.profile, filepath: place.credentialsFile, configFilepath: place.configFile }
  const named = `the AWS profile '${place.profile}'`
  const failing = (load: Provider, what: string): Provider => {
    return () => load().catch(error => Promise.reject(refused(error, `${what} of ${named}`)))
  }
  if (has('role_arn') || has('web_identity_token_file')) return failing(providers.fromIni(init), 'The role')
  if (has('credential_process')) return failing(providers.fromProcess(init), 'The credential_process')
  if (has('sso_session') || SSO.some(has)) {
    const load = async () => {
      checkSso(profile, place)
      return providers.fromSSO(init)()
    }
    return failing(load, 'The SSO session')
  }
  return has('login_session') ? failing(providers.fromIni(init), 'The login session') : undefined
}

function checkSso(profile: Profile, { profile: name, configFile }: ProfilePlace): void {
  const sessionName = profileSetting(profile, 'sso_session')
  const session = sessionName === undefined ? undefined : profile.sessions.get(sessionName)
  if (sessionName !== undefined && session === undefined) {
    throw new ImproperlyConfigured(
      `The AWS profile '${name}' names the SSO session '${sessionName}', but '${configFile}' has no section [sso-session ${sessionName}].`,
    )
  }
  const missing = SSO.filter(key => !session?.get(key) && profileSetting(profile, key) === undefined)
  if (missing.length === 0) return
  throw new ImproperlyConfigured(`The SSO configuration of the AWS profile '${name}' lacks ${missing.join(', ')}.`)
}

function refused(error: unknown, what: string): StorageError {
  if (error instanceof StorageError) return error
  const cause = quietCause(error)
  const text = cause.message.startsWith(what) ? cause.message : `${what} returned no keys: ${cause.message}`
  return new StorageError('permission_denied', text, { cause, retryable: false })
}

/** A provider's error without the data that it read: parsers quote documents with keys, and a failed process its command and output. */
export function quietCause(error: unknown): Error {
  const { name, message } = error instanceof Error ? error : new Error(String(error))
  let text = shownText(message.split('\n', 1)[0]!)
  if (error instanceof SyntaxError) text = 'A document with credentials could not be parsed.'
  else if (text.startsWith('Command failed')) text = `A credential_process failed${reasonOf(message)}.`
  return Object.assign(new Error(text), { name })
}

/** Why a shell could not run a command, if its output has one of the usual forms. */
function reasonOf(message: string): string {
  if (/not found|not recognized|no such file/i.test(message)) return ': the program was not found'
  if (/permission denied/i.test(message)) return ': the program may not be run'
  return ': run it by hand to see its output'
}
