/** OpenSSH's server from Debian's packages, with keys of its own. */
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runChild } from '../support/child.ts'
import { unpackedPackages } from './debian.ts'
import { HOME, PASSWORD, type PrivateDaemon, startDaemon, USER } from './private-daemon.ts'

/** How it is started. */
export interface SshdOptions {
  /** Whether the user sees nothing but the home; default true. */
  readonly chroot?: boolean
  /** Further lines of the configuration. */
  readonly lines?: readonly string[]
}

/** A running server. */
export interface Sshd extends PrivateDaemon {
  readonly user: string
  readonly password: string
  /** Folder of the user's files, as the user sees it. */
  readonly path: string
  /** Private key that the user may log in with. */
  readonly keyPath: string
  /** A known_hosts file with all keys of this server. */
  readonly knownHosts: string
  /** Such a file for any port, as a proxy before the server has. */
  readonly anyPort: string
  /** Lines of such a file, by the type of the key. */
  readonly hostKeys: Readonly<Record<'ed25519' | 'rsa' | 'ecdsa', string>>
}

const TYPES = ['ed25519', 'rsa', 'ecdsa'] as const

/** Unpacks and starts it; throws when that fails, with its log. */
export async function startSshd({ chroot = true, lines = [] }: SshdOptions = {}): Promise<Sshd> {
  const root = await unpackedPackages(['openssh-server', 'libwrap0'])
  let keys = ''
  const daemon = await startDaemon({
    title: 'sshd',
    root,
    greeting: /^SSH-2\.0-/,
    async command(folder, port) {
      keys = join(folder, 'keys')
      await makeKeys(keys)
      const settings = [
        `Port ${port}`,
        'ListenAddress 127.0.0.1',
        ...TYPES.map(type => `HostKey ${keys}/host_${type}`),
        'UsePAM no',
        'UseDNS no',
        'PidFile none',
        'StrictModes no',
        `AllowUsers ${USER}`,
        `AuthorizedKeysFile ${keys}/user.pub`,
        'PasswordAuthentication yes',
        'MaxStartups 100',
        'Subsystem sftp internal-sftp',
        ...(chroot ? [`ChrootDirectory ${HOME}`, 'ForceCommand internal-sftp'] : []),
        ...lines,
      ]
      const file = join(folder, 'sshd_config')
      await writeFile(file, `${settings.join('\n')}\n`)
      return ['usr/sbin/sshd', '-D', '-e', '-f', file]
    },
  })
  const texts = await Promise.all(TYPES.map(type => readFile(join(keys, `host_${type}.pub`), 'utf8')))
  const known = texts.map(text => `[127.0.0.1]:${daemon.port} ${text.split(' ').slice(0, 2).join(' ')}\n`)
  const knownHosts = join(keys, 'known_hosts')
  await writeFile(knownHosts, known.join(''))
  const anyPort = join(keys, 'any_port')
  await writeFile(anyPort, known.join('').replaceAll(`:${daemon.port} `, ':* '))
  const [ed25519, rsa, ecdsa] = known as [string, string, string]
  const login = { user: USER, password: PASSWORD, keyPath: join(keys, 'user') }
  return Object.assign(daemon, {
    ...login,
    path: chroot ? '/files' : `${HOME}/files`,
    knownHosts,
    anyPort,
    hostKeys: { ed25519, rsa, ecdsa },
  })
}

/** Keys of the server and of the user, unless they are there. */
async function makeKeys(folder: string): Promise<void> {
  if ((await mkdir(folder, { recursive: true })) === undefined) return
  await chmod(folder, 0o711)
  const make = (type: string, file: string) =>
    runChild('ssh-keygen', ['-q', '-t', type, '-N', '', '-C', '', '-f', join(folder, file)])
  await Promise.all([...TYPES.map(type => make(type, `host_${type}`)), make('ed25519', 'user')])
}
