/** How a server behaves: correct unless told otherwise. May be changed while it runs. */

/** TLS of control and data connections. */
export interface TlsManners {
  readonly key: string | Buffer
  readonly cert: string | Buffer
  /** Default explicit: by AUTH TLS. */
  readonly implicit?: boolean
  readonly versions?: 'TLSv1.2' | 'TLSv1.3'
  /** No login and no transfer without TLS. */
  readonly required?: boolean
  /** A data connection must resume a session of its own control connection: else 522. */
  readonly requireSessionReuse?: boolean
  /** An upload that ends without close_notify is answered by 426. */
  readonly wantsCloseNotify?: boolean
}

/** Everything in which servers differ. */
export interface Manners {
  greeting: string
  user: string
  password: string
  /** The folder that a login leads to; made at the first login. */
  home: string
  /** What ACCT must say after the password, where the server asks for an account. */
  account: string | undefined
  tls: TlsManners | undefined
  /** Commands that are answered by 502 and not announced. */
  without: readonly string[]
  /** Commands of `without` that FEAT announces all the same. */
  announced: readonly string[]
  /** Whether FEAT names UTF8. */
  utf8: boolean
  /** Connections that may be open at once. */
  maxConnections: number
  /** What one too many is told: a 421 as its greeting, or a 530 to its password. */
  limitReply: string
  /** The address that PASV names; default the true one. */
  pasvHost: string | undefined
  /** How EPSV is answered. */
  epsv: 'well' | 'refused' | 'malformed' | 'unreachable'
  /** What becomes of the data connection of a transfer that is refused. */
  refusedData: 'closed' | 'reset' | 'left open'
  /** When 226 is sent. */
  completion: 'after the end' | 'before the end' | 'before the data'
  /** Form of LIST. */
  listing: 'unix' | 'dos'
  /** What `-a` is to LIST: an option, a name, or a name whose listing is empty and good. */
  flags: 'option' | 'name' | 'empty'
  /** What LIST and NLST make of a path. */
  listArgument: 'whole' | 'first word' | 'ignored'
  /** Whether LIST and NLST take `*?[` for patterns, as vsftpd, proftpd and pure-ftpd do. */
  globs: boolean
  /** What LIST of a missing folder says. */
  missingFolder: 550 | 450 | 'empty'
  /** Minutes that the clock of LIST is ahead of UTC. */
  zoneMinutes: number
  now: () => Date
  /** SIZE in ASCII mode: the size of what RETR would send (RFC 3659, section 4), or 550. */
  asciiSize: 'converted' | 'refused'
  /** What becomes of blanks at the end of an argument: `underlined` where a name is made (`x_` of `x `), as Pure-FTPd does. */
  blanks: 'kept' | 'cut' | 'underlined'
  /** RNTO onto a file that exists. */
  renameOnto: 'replaces' | 'refuses' | 'ignores'
  /** Whether every 550 has the same text. */
  terse: boolean
  /** Milliseconds after which a command is answered. */
  latencyMs: number
}

/** A correct server. */
export function wellMannered(): Manners {
  return {
    greeting: '220 Test server ready.',
    user: 'anna',
    password: 'secret',
    home: '/',
    account: undefined,
    tls: undefined,
    without: [],
    announced: [],
    utf8: true,
    maxConnections: Number.POSITIVE_INFINITY,
    limitReply: '421 Too many connections.',
    pasvHost: undefined,
    epsv: 'well',
    refusedData: 'closed',
    completion: 'after the end',
    listing: 'unix',
    flags: 'option',
    listArgument: 'whole',
    globs: true,
    missingFolder: 550,
    zoneMinutes: 0,
    now: () => new Date(),
    asciiSize: 'converted',
    blanks: 'kept',
    renameOnto: 'replaces',
    terse: false,
    latencyMs: 0,
  }
}
