import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { ImproperlyConfigured, messageOf } from '../../../core/errors.ts'
import { type CredentialsFile, checkedFile, parsedFile } from './given.ts'

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>

/**
 * The file of application default credentials: of `GOOGLE_APPLICATION_CREDENTIALS`, else the one that `gcloud auth application-default login`
 * wrote. Undefined where there is none. (https://cloud.google.com/docs/authentication/application-default-credentials)
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

/** Reads a file of credentials; `improperly_configured`, with `setting` and the path, for one that cannot be read or used. */
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
