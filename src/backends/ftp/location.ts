/** The address of an FTP server, the login, and the folder that holds the files. */
export interface FtpLocation {
  /** `aftp`: the server connects to the client for transfers (active mode); `ftps`: with TLS. */
  readonly scheme: 'ftp' | 'aftp' | 'ftps'
  /** Without the brackets of an IPv6 address. */
  readonly host: string
  /** Absent: the default port. */
  readonly port: number | undefined
  readonly user: string
  readonly password: string
  /** Components of the folder. */
  readonly folders: readonly string[]
  /** Whether the folder is relative to the server's root, not to the login folder. */
  readonly isAbsolute: boolean
}

const MALFORMED = 'Improperly formatted location URL'
const ANYBODY = 'anonymous'

/**
 * Parses a URL: `ftp://user:password@host:port/path`. Port, path, user and password are optional, and all of them may be percent-encoded.
 * The path is relative to the login folder; an encoded slash at its beginning (`/%2Fsrv`), or no path at all, means the server's root. (RFC
 * 1738, section 3.2.2) Throws an `Error` with the reason and without any part of the URL.
 */
export function parseLocation(url: string): FtpLocation {
  const [, scheme, rest] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(url.trim()) ?? []
  if (scheme === undefined || rest === undefined) throw new Error(MALFORMED)
  const known = schemeOf(scheme)
  const slash = rest.indexOf('/')
  const authority = slash < 0 ? rest : rest.slice(0, slash)
  // `@`, `:`, `#` and `?` in a password need no encoding: the last `@` ends the password, and the first `:` begins it.
  const at = authority.lastIndexOf('@')
  const login = at < 0 ? undefined : authority.slice(0, at)
  const colon = login?.indexOf(':') ?? -1
  const user = login === undefined ? ANYBODY : decoded(colon < 0 ? login : login.slice(0, colon), 'user')
  const password = login === undefined ? `${ANYBODY}@` : colon < 0 ? '' : decoded(login.slice(colon + 1), 'password')
  if (user === '') throw new Error(`${MALFORMED}: the user is missing before the '@'`)
  const path = slash < 0 ? '' : rest.slice(slash + 1)
  const address = addressOf(authority.slice(at + 1), at < 0 && path.includes('@'))
  return { scheme: known, ...address, user, password, ...folderOf(path) }
}

/** The same URL without user and password. */
export function shownLocation(url: string): string {
  try {
    const { scheme, host, port, folders, isAbsolute } = parseLocation(url)
    const address = `${host.includes(':') ? `[${host}]` : host}${port === undefined ? '' : `:${port}`}`
    const root = isAbsolute && folders.length > 0 ? '%2F' : ''
    return `${scheme}://***@${address}/${root}${folders.map(encodeURIComponent).join('/')}`
  } catch {
    return '***'
  }
}

function schemeOf(given: string): FtpLocation['scheme'] {
  const scheme = given.toLowerCase()
  if (scheme === 'ftp' || scheme === 'aftp' || scheme === 'ftps') return scheme
  throw new Error('Only ftp, aftp, ftps schemes supported')
}

function addressOf(text: string, hasLaterAt: boolean): Pick<FtpLocation, 'host' | 'port'> {
  const [, bracketed, plain, digits] =
    /^(?:\[([0-9a-f:.]+(?:%[\w.-]+)?)\]|([^\s:[\]@?#%\\]+))(?::(\d{1,5})?)?$/i.exec(text) ?? []
  // The `%` before the zone of an address is written %25. (RFC 6874)
  const host = bracketed?.replace('%25', '%') ?? plain
  const port = digits === undefined ? undefined : Number(digits)
  if (host !== undefined && (port === undefined || (port >= 1 && port <= 65_535))) {
    return { host: host.toLowerCase(), port }
  }
  const hint = hasLaterAt ? "; a '/' in the password is written %2F" : ''
  throw new Error(`${MALFORMED}: expected a host, and a port from 1 to 65535 if any${hint}`)
}

function folderOf(path: string): Pick<FtpLocation, 'folders' | 'isAbsolute'> {
  const isAbsolute = path === '' || /^(?:%2f|\/)/i.test(path)
  const folders = decoded(path, 'path')
    .split('/')
    .filter(part => part !== '' && part !== '.')
  if (folders.includes('..')) throw new Error(`${MALFORMED}: the path has '..' in it`)
  return { folders, isAbsolute }
}

/** Decodes percent-encoding; a `%` without two hexadecimal digits stays unchanged. */
function decoded(text: string, what: string): string {
  const plain = text.replace(/(?:%[0-9a-f]{2})+/gi, each => {
    try {
      return decodeURIComponent(each)
    } catch {
      throw new Error(`${MALFORMED}: the ${what} has percent-encoded bytes that are not UTF-8`)
    }
  })
  // A line end would begin another command.
  if (/[\r\n\0]/.test(plain)) throw new Error(`${MALFORMED}: the ${what} has a line end or a NUL in it`)
  if (!plain.isWellFormed()) throw new Error(`${MALFORMED}: the ${what} has half a surrogate pair in it`)
  return plain
}
