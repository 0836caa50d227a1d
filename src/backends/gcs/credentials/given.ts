import { parsePlace } from '../../../core/setting-types.ts'

/** Anything that gives access tokens: a client of `google-auth-library`, its `GoogleAuth`, or an object of one's own. */
export interface TokenClient {
  /** The token, or the object with it in which the library wraps it. */
  getAccessToken(): Promise<string | null | undefined | { readonly token?: string | null | undefined }>
}

/** A key file, or another file of application credentials, as JSON has it. (https://google.aip.dev/auth/4112) */
export type CredentialsFile = Readonly<Record<string, unknown>>

/** What the setting `credentials` may be: the path of a file, its JSON as text or object, a client, `'anonymous'`, or null for what the machine has. */
export type GivenCredentials = string | CredentialsFile | TokenClient | null

/** Whether a value gives tokens by itself. */
export function isTokenClient(value: unknown): value is TokenClient {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { getAccessToken?: unknown }).getAccessToken === 'function'
  )
}

/** The parser of the setting. Its errors never quote the value. */
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

/** The object in the JSON of a file; undefined where it is none. */
export function parsedFile(text: string): CredentialsFile | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as CredentialsFile) : undefined
  } catch {
    // The parser's own message quotes the text.
    return undefined
  }
}

/** Fields without which a file of that type is of no use. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  service_account: ['client_email', 'private_key'],
  authorized_user: ['client_id', 'client_secret', 'refresh_token'],
}

/** Checks that a file has the fields of its type; what is wrong is said without a value. `what` begins the sentence. */
export function checkedFile(file: CredentialsFile | undefined, what: string): CredentialsFile {
  if (file === undefined) throw new Error(`${what} is no JSON object`)
  const { type } = file
  if (typeof type !== 'string' || type === '') throw new Error(`${what} has no 'type', as files of credentials have`)
  const missing = NEEDED[type]?.find(name => typeof file[name] !== 'string' || file[name] === '')
  if (missing !== undefined) throw new Error(`${what} is of type ${type} and has no '${missing}'`)
  return file
}
