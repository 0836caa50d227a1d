/** Pure-FTPd from Debian's packages: MLSD, listings of a limited length, and names that lose a blank at their end. */
import { unpackedPackages } from './debian.ts'
import { type FtpOptions, type FtpServer, startFtpServer } from './ftp-server.ts'

/** How it is started; further lines are parameters, and TLS is explicit where there is any. */
export interface PureFtpdOptions extends FtpOptions {
  /** How many entries it lists at most; default 10,000, as it has by itself. */
  readonly listed?: number
}

/** Unpacks and starts it; throws when that fails, with its log. */
export async function startPureFtpd(options: PureFtpdOptions = {}): Promise<FtpServer> {
  const { tls = 'none', listed = 10_000, lines = [] } = options
  const root = await unpackedPackages(['pure-ftpd', 'libsodium23'])
  return startFtpServer(options, ({ bothPath }) => ({
    title: 'pure-ftpd',
    root,
    async command(folder, port) {
      const words = ['-S', `127.0.0.1,${port}`, '-4', '-A', '-E', '-H', '-R', '-c', '60', '-C', '60', '-l', 'unix']
      words.push('-U', '133:022', '-L', `${listed}:8`, '-g', `${folder}/pid`)
      if (tls !== 'none') words.push('-Y', '3', '-2', bothPath)
      return ['usr/sbin/pure-ftpd', ...words, ...lines]
    },
  }))
}
