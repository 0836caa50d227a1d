import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { ImproperlyConfigured } from '../../../core/errors.ts'
import type { SigningCredentials } from '../../../remote/sign/query.ts'

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Where the shared files are and which of their profiles is meant. */
export interface ProfilePlace {
  readonly profile: string
  /** Whether somebody named the profile, so that its absence is an error. */
  readonly isNamed: boolean
  readonly credentialsFile: string
  readonly configFile: string
}

/** Settings by profile and, in lower case, by key. */
export type Profiles = ReadonlyMap<string, ReadonlyMap<string, string>>

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

/**
 * The static keys of the profile; undefined where there are none or the profile assumes a role.
 * A named profile that neither file has, half a pair of keys and an unreadable file are `improperly_configured`; a missing file is empty.
 */
export async function readStaticKeys(place: ProfilePlace): Promise<SigningCredentials | undefined> {
  const [credentialsText, configText] = await Promise.all([
    readText(place.credentialsFile, place.isNamed),
    readText(place.configFile, place.isNamed),
  ])
  const fromCredentials = parseProfiles(credentialsText, false).get(place.profile)
  const fromConfig = parseProfiles(configText, true).get(place.profile)
  if (fromCredentials === undefined && fromConfig === undefined) {
    if (!place.isNamed) return undefined
    const files = `'${place.credentialsFile}' and '${place.configFile}'`
    throw new ImproperlyConfigured(`The AWS profile '${place.profile}' is in neither of ${files}.`)
  }
  if (fromCredentials?.has('role_arn') || fromConfig?.has('role_arn')) return undefined
  return (
    keysOf(fromCredentials, place.profile, place.credentialsFile) ?? keysOf(fromConfig, place.profile, place.configFile)
  )
}

/** The region of the profile, read at once; undefined where it has none or a file cannot be read. */
export function readRegion(place: ProfilePlace): string | undefined {
  const regionIn = (path: string, isConfig: boolean): string | undefined => {
    try {
      return parseProfiles(readFileSync(path, 'utf8'), isConfig).get(place.profile)?.get('region') || undefined
    } catch {
      return undefined
    }
  }
  return regionIn(place.configFile, true) ?? regionIn(place.credentialsFile, false)
}

/** Both keys of one file's profile, never mixed with another file's. */
function keysOf(section: ReadonlyMap<string, string> | undefined, profile: string, file: string) {
  const accessKeyId = section?.get('aws_access_key_id')
  const secretAccessKey = section?.get('aws_secret_access_key')
  if (!accessKeyId && !secretAccessKey) return undefined
  if (!accessKeyId || !secretAccessKey) {
    const wanted = 'both aws_access_key_id and aws_secret_access_key'
    throw new ImproperlyConfigured(`The AWS profile '${profile}' in '${file}' must have ${wanted}.`)
  }
  return { accessKeyId, secretAccessKey, sessionToken: section?.get('aws_session_token') || undefined }
}

/** A file that may not be read counts as missing unless a profile was asked for: a service may run with another user's home. */
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

/**
 * Reads the ini form of the shared files, ignoring what is not understood. In the configuration file, and only there,
 * a section is called `profile name`, except `default`, which may be called either way.
 */
export function parseProfiles(text: string, isConfig: boolean): Profiles {
  const profiles = new Map<string, Map<string, string>>()
  let section: Map<string, string> | undefined
  let isNested = false
  for (const line of text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/)) {
    const content = withoutComment(line).trim()
    if (content === '') continue
    if (content.startsWith('[') && content.endsWith(']')) {
      const name = sectionName(content.slice(1, -1).trim(), isConfig)
      isNested = false
      section = name === undefined ? undefined : (profiles.get(name) ?? new Map())
      if (name !== undefined && section !== undefined) profiles.set(name, section)
      continue
    }
    const isIndented = /^\s/.test(line)
    if (isNested && isIndented) continue
    const at = content.indexOf('=')
    if (at < 1) continue
    const value = content.slice(at + 1).trim()
    isNested = value === ''
    section?.set(content.slice(0, at).trim().toLowerCase(), value)
  }
  return profiles
}

function sectionName(text: string, isConfig: boolean): string | undefined {
  if (!isConfig || text === 'default') return text
  if (!/^profile\s/.test(text)) return undefined
  const name = text.slice('profile'.length).trim()
  const quote = name[0]
  const isQuoted = (quote === '"' || quote === "'") && name.length > 2 && name.endsWith(quote)
  return (isQuoted ? name.slice(1, -1).trim() : name) || undefined
}

/** A `#` or `;` begins a comment where it begins the line or follows a blank. */
function withoutComment(line: string): string {
  for (let at = 0; at < line.length; at++) {
    const isMark = line[at] === '#' || line[at] === ';'
    if (isMark && (at === 0 || line[at - 1]!.trim() === '')) return line.slice(0, at)
  }
  return line
}
