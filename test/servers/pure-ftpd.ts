/** Pure-FTPd from Debian's packages: MLSD, listings of a limited length, and names that lose a blank at their end. */
import { unpackedPackages } from './debian.ts'
import { type FtpServer, startFtpServer } from './ftp-server.ts'

/** How it is started. */
export interface PureFtpdOptions {
  /** Whether it demands TLS for commands and data; default false. */
  readonly tls?: boolean
  /** How many entries it lists at most; default 10,000, as it has by itself. */
  readonly listed?: number
}

/** Unpacks and starts it; throws when that fails, with its log. */
export async function startPureFtpd({ tls = false, listed = 10_000 }: PureFtpdOptions = {}): Promise<FtpServer> {
  const root = await unpackedPackages(['pure-ftpd', 'libsodium23'])
  return startFtpServer(tls ? 'explicit' : 'none', ({ bothPath }) => ({
    title: 'pure-ftpd',
    root,
    async command(folder, port) {
      const words = ['-S', `127.0.0.1,${port}`, '-4', '-A', '-E', '-H', '-R', '-c', '60', '-C', '60', '-l', 'unix']
      words.push('-U', '133:022', '-L', `${listed}:8`, '-g', `${folder}/pid`)
      if (tls) words.push('-Y', '3', '-2', bothPath)
      return ['usr/sbin/pure-ftpd', ...words]
    },
  }))
}
