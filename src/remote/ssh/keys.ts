import { readFile } from 'node:fs/promises'
import { errnoOf } from '../../core/errno.ts'
import { ImproperlyConfigured, messageOf } from '../../core/errors.ts'
import { homePath } from './home.ts'
import type { ConnectParams } from './params.ts'
import type { Ssh2, SshKey } from './ssh2.ts'

/** Keys that are used by default. (paramiko, SSHClient.connect) */
const DEFAULT_KEYS: readonly string[] = ['id_ed25519', 'id_ecdsa', 'id_rsa', 'id_dsa']

/** The private keys for the login. */
export interface LoginKeys {
  /** Keys in the settings. */
  readonly named: readonly SshKey[]
  /** Keys at ~/.ssh/id_*, if `lookForKeys` is set. */
  readonly found: readonly SshKey[]
}

/** Reads the keys. A key in the settings that cannot be read is `improperly_configured`; a default key that cannot be read is skipped. */
export async function loadKeys(ssh2: Ssh2, params: ConnectParams): Promise<LoginKeys> {
  const { pkey, keyFilename, passphrase, password, lookForKeys } = params
  const secret = passphrase ?? password ?? undefined
  const named: SshKey[] = []
  if (pkey !== null) named.push(parsed(ssh2, pkey, secret, 'pkey'))
  for (const file of keyFilename) named.push(parsed(ssh2, await readKey(file), secret, `key_filename '${file}'`))
  const found: SshKey[] = []
  for (const name of lookForKeys ? DEFAULT_KEYS : []) {
    const text = await readFile(homePath(`~/.ssh/${name}`)).catch(() => undefined)
    const key = text === undefined ? undefined : parse(ssh2, text, secret)
    if (key !== undefined && !(key instanceof Error)) found.push(key)
  }
  return { named, found }
}

async function readKey(file: string): Promise<Buffer> {
  try {
    return await readFile(homePath(file))
  } catch (error) {
    const reason = errnoOf(error) === 'ENOENT' ? 'there is no such file' : messageOf(error)
    throw new ImproperlyConfigured(`SFTP_STORAGE_PARAMS: key_filename '${file}': ${reason}.`, { cause: error })
  }
}

function parsed(ssh2: Ssh2, data: Buffer | string, secret: string | undefined, what: string): SshKey {
  const key = parse(ssh2, data, secret)
  if (!(key instanceof Error)) return key
  const reason = key.message.replace(/\.$/, '')
  throw new ImproperlyConfigured(`SFTP_STORAGE_PARAMS: ${what}: the key cannot be read: ${reason}.`)
}

function parse(ssh2: Ssh2, data: Buffer | string, secret: string | undefined): SshKey | Error {
  const read = ssh2.utils.parseKey(data, secret)
  const key = Array.isArray(read) ? read[0] : read
  if (key === undefined || key instanceof Error) return key ?? new Error('it has no key')
  return key.isPrivateKey() ? key : new Error('it is a public key; the private one is needed')
}
