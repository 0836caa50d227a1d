import { keyComponents, refused } from '../../core/key-components.ts'
import type { FtpConnection } from './connection.ts'
import type { FtpEncoding } from './settings.ts'

/** Refuses a key that no command can contain, or that the server would interpret as another one: `suspicious_name`. */
export function checkKey(key: string, encoding: FtpEncoding): void {
  keyComponents(key.endsWith('/') ? key.slice(0, -1) : key, 'linux')
  // A line end would end the command, and begin another one.
  if (/[\r\n]/.test(key)) throw refused(key, 'it has a line end, which ends a command of FTP')
  if (encoding !== 'latin-1') return
  if (/[^\0-\xff]/.test(key)) throw refused(key, 'it has letters that latin-1 (FTP_STORAGE_ENCODING) does not have')
  // Telnet's IAC. (RFC 959, section 3.1.1; RFC 854)
  if (key.includes('\xff')) throw refused(key, "the byte of its letter 'ÿ' means something else in latin-1 over FTP")
}

/** The path of a checked key. */
export function pathOf(connection: Pick<FtpConnection, 'root'>, key: string): string {
  const path = `${connection.root}/${key.endsWith('/') ? key.slice(0, -1) : key}`
  return key === '' ? connection.root || '/' : path
}

/** The folder of a path, '' for the server's root. */
export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}

/** The last component of a path. */
export function nameIn(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
