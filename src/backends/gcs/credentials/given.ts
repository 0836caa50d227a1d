import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { ImproperlyConfigured, messageOf } from '../../../core/errors.ts'
import { parsePlace } from '../../../core/setting-types.ts'

/** A source of access tokens: a client of `google-auth-library`, its `GoogleAuth`, or an object with the same method. */
export interface TokenClient {
  /** Returns the token, or the object that the library wraps it in. */
  getAccessToken(): Promise<string | null | undefined | { readonly token?: string | null | undefined }>
}

/** A key file, or another file of application credentials, as parsed JSON. (https://google.aip.dev/auth/4112) */
export type CredentialsFile = Readonly<Record<string, unknown>>

/**
 * The setting `credentials`: the path of a file, its JSON as text or object, a client, `'anonymous'`, or null for the credentials of the
 * machine.
 */
export type GivenCredentials = string | CredentialsFile | TokenClient | null

/** Whether a value is a source of tokens. */
export function isTokenClient(value: unknown): value is TokenClient {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { getAccessToken?: unknown }).getAccessToken === 'function'
  )
}

/** The parser of the setting. Its errors never contain the value. */
export function parseGiven(raw: unknown): GivenCredentials {
  if (raw === null || raw === '' || raw === 'None' || raw === 'null') return null
  if (isTokenClient(raw)) return raw
  if (typeof raw === 'string') {
    if (!raw.trimStart().startsWith('{')) return parsePlace(raw.trim())
    return checkedFile(parsedFile(raw), 'the JSON')
  }
  if (typeof raw === 'object' && !Array.isArray(raw)) return checkedFile(raw as CredentialsFile, 'the object')
  throw new Error("expected the path of a key file, its JSON, a client with getAccessToken, 'anonymous' or null")
}

/** The object in the JSON of a file; undefined if it is not an object. */
export function parsedFile(text: string): CredentialsFile | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as CredentialsFile) : undefined
  } catch {
    // The parser's own message quotes the text.
    return undefined
  }
}

/** Required fields of each type of file. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  service_account: ['client_email', 'private_key'],
  authorized_user: ['client_id', 'client_secret', 'refresh_token'],
}

/** Checks that a file has the fields of its type. The error contains no value; `what` begins its message. */
export function checkedFile(file: CredentialsFile | undefined, what: string): CredentialsFile {
  if (file === undefined) throw new Error(`${what} is not a JSON object`)
  const { type } = file
  if (typeof type !== 'string' || type === '') throw new Error(`${what} has no 'type', as files of credentials have`)
  const missing = NEEDED[type]?.find(name => typeof file[name] !== 'string' || file[name] === '')
  if (missing !== undefined) throw new Error(`${what} is of type ${type} and has no '${missing}'`)
  return file
}

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>

/**
 * The file of application default credentials: of `GOOGLE_APPLICATION_CREDENTIALS`, else the one that `gcloud auth application-default
 * login` wrote. Undefined if there is none. (https://cloud.google.com/docs/authentication/application-default-credentials)
 */
export async function applicationDefault(env: Environment): Promise<CredentialsFile | undefined> {
  const named = env['GOOGLE_APPLICATION_CREDENTIALS']
  if (named) return readCredentials(named, 'GOOGLE_APPLICATION_CREDENTIALS')
  const path = join(gcloudFolder(env), 'application_default_credentials.json')
  return readCredentials(path, 'The credentials of gcloud', true)
}

function gcloudFolder(env: Environment): string {
  const { CLOUDSDK_CONFIG: named, APPDATA: windows } = env
  if (named) return named
  if (process.platform === 'win32' && windows) return join(windows, 'gcloud')
  return join(env['HOME'] || homedir(), '.config', 'gcloud')
}

/** Reads a file of credentials. Code `improperly_configured`, with `setting` and the path, if it cannot be read or used. */
export async function readCredentials(path: string, setting: string): Promise<CredentialsFile>
export async function readCredentials(
  path: string,
  setting: string,
  mayLack: boolean,
): Promise<CredentialsFile | undefined>
export async function readCredentials(
  path: string,
  setting: string,
  mayLack = false,
): Promise<CredentialsFile | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    const code = String((cause as { code?: unknown }).code)
    // A service may run with another user's home.
    if (mayLack && /^(ENOENT|ENOTDIR|EACCES|EPERM)$/.test(code)) return undefined
    throw new ImproperlyConfigured(`${setting}: the file '${path}' cannot be read: ${code}.`, { cause })
  }
  try {
    return checkedFile(parsedFile(text), `'${path}'`)
  } catch (error) {
    throw new ImproperlyConfigured(`${setting}: ${messageOf(error)}.`)
  }
}
