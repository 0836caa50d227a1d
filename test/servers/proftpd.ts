/** ProFTPD from Debian's packages: MLSD, and over TLS each data connection resumes the session of its control connection. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { unpackedPackages } from './debian.ts'
import { type FtpOptions, type FtpServer, startFtpServer } from './ftp-server.ts'
import { HOME, USER } from './private-daemon.ts'

const PACKAGES = ['proftpd-core', 'proftpd-mod-crypto']
const LIBRARIES = [
  'libmemcached11',
  'libmemcachedutil2',
  'libhashkit2',
  'libhiredis0.14',
  'libpcre2-posix3',
  'libsodium23',
]

/** Unpacks and starts it; throws when that fails, with its log. */
export async function startProftpd(options: FtpOptions = {}): Promise<FtpServer> {
  const { tls = 'none', lines = [] } = options
  const root = await unpackedPackages([...PACKAGES, ...LIBRARIES])
  return startFtpServer(options, ({ certPath, keyPath }) => ({
    title: 'proftpd',
    root,
    async command(folder, port) {
      const settings = [
        `ModulePath ${root}/usr/lib/proftpd`,
        ...(tls === 'none' ? [] : ['LoadModule mod_tls.c']),
        'ServerType standalone',
        'DefaultAddress 127.0.0.1',
        'SocketBindTight on',
        `Port ${port}`,
        'UseIPv6 off',
        'UseReverseDNS off',
        `User ${USER}`,
        `Group ${USER}`,
        'AuthOrder mod_auth_unix.c',
        'PersistentPasswd off',
        'RequireValidShell off',
        'AuthPAM off',
        `DefaultRoot ${HOME}`,
        'Umask 022 022',
        'AllowOverwrite on',
        'AllowStoreRestart on',
        'AllowRetrieveRestart on',
        'MaxInstances 60',
        'DelayEngine off',
        'WtmpLog off',
        'TransferLog none',
        `ScoreboardFile ${folder}/scoreboard`,
        `PidFile ${folder}/pid`,
      ]
      if (tls !== 'none') {
        settings.push('TLSEngine on', 'TLSRequired on', `TLSLog ${folder}/tls.log`, 'TLSProtocol TLSv1.2 TLSv1.3')
        settings.push(`TLSRSACertificateFile ${certPath}`, `TLSRSACertificateKeyFile ${keyPath}`)
        if (tls === 'implicit') settings.push('TLSOptions UseImplicitSSL')
      }
      settings.push(...lines)
      const file = join(folder, 'proftpd.conf')
      await writeFile(file, `${settings.join('\n')}\n`)
      return ['usr/sbin/proftpd', '-n', '-c', file]
    },
  }))
}
