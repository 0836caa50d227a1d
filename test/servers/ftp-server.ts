/** What the FTP servers of Debian have in common here. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeIdentity } from '../http/support.ts'
import { type DaemonPlan, PASSWORD, type PrivateDaemon, startDaemon, USER } from './private-daemon.ts'

/** How a server speaks TLS: not at all, after AUTH TLS, or from the first byte. */
export type FtpTls = 'none' | 'explicit' | 'implicit'

/** How any of them is started. */
export interface FtpOptions {
  /** Default `none`. */
  readonly tls?: FtpTls
  /** Of the user; default one whose letters a URL must encode. */
  readonly password?: string
  /** Further lines of the configuration. */
  readonly lines?: readonly string[]
}

/** A running FTP server. */
export interface FtpServer extends PrivateDaemon {
  /** `ftp://` or `ftps://` with user and password, without a path; the user's files are in the folder `files`. */
  readonly url: string
  readonly tls: FtpTls
  /** File of the certificate. */
  readonly certPath: string
}

/** Files that a server with TLS is told. */
export interface FtpIdentity {
  readonly certPath: string
  readonly keyPath: string
  /** Both in one file. */
  readonly bothPath: string
}

/** Starts a server by its plan, with a certificate of its own. */
export async function startFtpServer(
  { tls = 'none', password = PASSWORD }: FtpOptions,
  planOf: (identity: FtpIdentity) => Omit<DaemonPlan, 'greeting' | 'password'>,
): Promise<FtpServer> {
  const identity = makeIdentity('rsa')
  try {
    const { certPath } = identity
    const [keyPath, bothPath] = ['key.pem', 'both.pem'].map(name => join(certPath, '..', name)) as [string, string]
    await writeFile(bothPath, (await readFile(keyPath, 'utf8')) + (await readFile(certPath, 'utf8')), { mode: 0o600 })
    const plan = planOf({ certPath, keyPath, bothPath })
    const daemon = await startDaemon({ ...plan, password, greeting: tls === 'implicit' ? undefined : /^220[ -]/ })
    const scheme = tls === 'none' ? 'ftp' : 'ftps'
    const url = `${scheme}://${USER}:${encodeURIComponent(password)}@127.0.0.1:${daemon.port}`
    const end = daemon.close.bind(daemon)
    const close = async (): Promise<void> => {
      await end()
      identity[Symbol.dispose]()
    }
    return Object.assign(daemon, { url, tls, certPath, close })
  } catch (error) {
    identity[Symbol.dispose]()
    throw error
  }
}
