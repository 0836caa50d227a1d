import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { ImproperlyConfigured } from '../../../core/errors.ts'
import { type Profiles, parseProfileFile, type Section } from '../../../remote/aws-profiles.ts'
import type { SigningCredentials } from '../../../remote/sign/query.ts'
import { checkedKeys } from './checked.ts'

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>

/** The paths of the shared files and the name of the profile. */
export interface ProfilePlace {
  readonly profile: string
  /** Whether the profile was set explicitly, so that its absence is an error. */
  readonly isNamed: boolean
  readonly credentialsFile: string
  readonly configFile: string
}

/** The entries of a profile in the shared files. */
export interface Profile {
  readonly credentials: Section | undefined
  readonly config: Section | undefined
  /** Sections of the configuration file, like `sessions`. */
  readonly services: Profiles
  readonly sessions: Profiles
}

/** Finds the files and the profile: `sessionProfile`, else `AWS_PROFILE`, else `default` (AWS SDKs and Tools reference guide). */
export function profilePlace(sessionProfile: string | null, env: Environment): ProfilePlace {
  const home = env['HOME'] || env['USERPROFILE'] || homedir()
  const fileOf = (variable: string, fallback: string) =>
    (env[variable] || join(home, '.aws', fallback)).replace(/^~(?=[/\\])/, () => home)
  const named = sessionProfile || env['AWS_PROFILE']
  return {
    profile: named || 'default',
    isNamed: Boolean(named),
    credentialsFile: fileOf('AWS_SHARED_CREDENTIALS_FILE', 'credentials'),
    configFile: fileOf('AWS_CONFIG_FILE', 'config'),
  }
}

/** Reads a profile. A missing file is empty; a missing explicit profile and an unreadable file are `improperly_configured`. */
export async function readProfile(place: ProfilePlace): Promise<Profile> {
  const [credentialsText, configText] = await Promise.all([
    readText(place.credentialsFile, place.isNamed),
    readText(place.configFile, place.isNamed),
  ])
  const profile = profileIn(place, credentialsText, configText)
  if (profile.credentials === undefined && profile.config === undefined && place.isNamed) {
    const files = `'${place.credentialsFile}' and '${place.configFile}'`
    throw new ImproperlyConfigured(`The AWS profile '${place.profile}' is in neither of ${files}.`)
  }
  return profile
}

function profileIn({ profile }: ProfilePlace, credentialsText: string, configText: string): Profile {
  const { profiles, services, sessions } = parseProfileFile(configText, true)
  const credentials = parseProfileFile(credentialsText, false).profiles.get(profile)
  return { credentials, config: profiles.get(profile), services, sessions }
}

/** A setting of a profile; the credentials file has priority, as in botocore. */
export function profileSetting({ credentials, config }: Profile, key: string): string | undefined {
  return credentials?.get(key) || config?.get(key) || undefined
}

/** The static keys of a profile; undefined if it has none or assumes a role. Half a pair of keys is `improperly_configured`. */
export function staticKeys(profile: Profile, place: ProfilePlace): SigningCredentials | undefined {
  if (profile.credentials?.has('role_arn') || profile.config?.has('role_arn')) return undefined
  return (
    keysOf(profile.credentials, place.profile, place.credentialsFile) ??
    keysOf(profile.config, place.profile, place.configFile)
  )
}

/** Region and endpoint of a profile. */
export interface ProfileService {
  readonly region: string | undefined
  /** From its `services` section, else from the profile itself. */
  readonly endpointUrl: string | undefined
  readonly ignoresEndpoints: boolean
}

/**
 * Reads region and endpoint of the profile, synchronously. A file that is missing or unreadable is ignored. A `services` section that does
 * not exist is `improperly_configured`, as in botocore.
 */
export function readProfileService(place: ProfilePlace): ProfileService {
  const profile = profileIn(place, readNow(place.credentialsFile), readNow(place.configFile))
  const { credentials, config, services } = profile
  const setting = (key: string) => profileSetting(profile, key)
  const ignoresEndpoints = setting('ignore_configured_endpoint_urls')?.toLowerCase() === 'true'
  const region = config?.get('region') || credentials?.get('region') || undefined
  const name = setting('services')
  if (ignoresEndpoints) return { region, endpointUrl: undefined, ignoresEndpoints }
  const section = name === undefined ? undefined : services.get(name)
  if (name !== undefined && section === undefined) {
    throw new ImproperlyConfigured(
      `The AWS profile '${place.profile}' names the services section '${name}', which is not in '${place.configFile}'.`,
    )
  }
  return { region, endpointUrl: section?.get('s3.endpoint_url') || setting('endpoint_url'), ignoresEndpoints }
}

function readNow(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // The error is reported when the keys are read, if they come from there.
    return ''
  }
}

/** Both keys of one file's profile, never mixed with another file's. `aws_security_token` is the old name of the token. */
function keysOf(section: Section | undefined, profile: string, file: string): SigningCredentials | undefined {
  const accessKeyId = section?.get('aws_access_key_id')
  const secretAccessKey = section?.get('aws_secret_access_key')
  if (!accessKeyId && !secretAccessKey) return undefined
  if (!accessKeyId || !secretAccessKey) {
    const wanted = 'both aws_access_key_id and aws_secret_access_key'
    throw new ImproperlyConfigured(`The AWS profile '${profile}' in '${file}' must have ${wanted}.`)
  }
  const sessionToken = section?.get('aws_session_token') || section?.get('aws_security_token') || undefined
  return checkedKeys({ accessKeyId, secretAccessKey, sessionToken }, `The AWS profile '${profile}' in '${file}'`)
}

/** Reads a file. An unreadable file counts as missing unless a profile was set: a service may run with another user's home. */
async function readText(path: string, isNeeded: boolean): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const code = String((error as { code?: unknown }).code)
    if (code === 'ENOENT' || code === 'ENOTDIR') return ''
    if (!isNeeded && (code === 'EACCES' || code === 'EPERM')) return ''
    throw new ImproperlyConfigured(`The AWS file '${path}' cannot be read: ${code}`, { cause: error })
  }
}
