/** vsftpd from Debian's packages: it has no MLSD and lists by LIST. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { unpackedPackages } from './debian.ts'
import { type FtpOptions, type FtpServer, startFtpServer } from './ftp-server.ts'
import { HOME } from './private-daemon.ts'

/** How it is started. */
export interface VsftpdOptions extends FtpOptions {
  /** Whether each data connection must resume the TLS session of its control connection; default false. */
  readonly requireReuse?: boolean
}

const PAM = 'auth required pam_unix.so\naccount required pam_unix.so\nsession required pam_permit.so\n'

/** Unpacks and starts it; throws when that fails, with its log. */
export async function startVsftpd(options: VsftpdOptions = {}): Promise<FtpServer> {
  const { tls = 'none', requireReuse = false, lines = [] } = options
  const root = await unpackedPackages(['vsftpd', 'libwrap0'])
  const yes = (value: boolean): string => (value ? 'YES' : 'NO')
  return startFtpServer(options, ({ certPath, keyPath }) => ({
    title: 'vsftpd',
    root,
    pam: PAM,
    async command(folder, port) {
      const settings = [
        'listen=YES',
        'listen_address=127.0.0.1',
        `listen_port=${port}`,
        'background=NO',
        'seccomp_sandbox=NO',
        'pam_service_name=vsftpd',
        'anonymous_enable=NO',
        'local_enable=YES',
        'write_enable=YES',
        'local_umask=022',
        'chroot_local_user=YES',
        `local_root=${HOME}`,
        'secure_chroot_dir=/run/sshd',
        'connect_from_port_20=NO',
        'utf8_filesystem=YES',
        'xferlog_enable=NO',
        `ssl_enable=${yes(tls !== 'none')}`,
        ...lines,
      ]
      if (tls !== 'none') {
        settings.push(`rsa_cert_file=${certPath}`, `rsa_private_key_file=${keyPath}`, 'ssl_ciphers=HIGH')
        settings.push(`require_ssl_reuse=${yes(requireReuse)}`, `implicit_ssl=${yes(tls === 'implicit')}`)
        settings.push('force_local_data_ssl=YES', 'force_local_logins_ssl=YES')
      }
      const file = join(folder, 'vsftpd.conf')
      await writeFile(file, `${settings.join('\n')}\n`)
      return ['usr/sbin/vsftpd', file]
    },
  }))
}
