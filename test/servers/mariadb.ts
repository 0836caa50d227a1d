/** MariaDB 10.11 from Debian's packages, unpacked: on loopback and in a temporary folder, with nothing made durable. */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { createConnection } from 'mariadb'
import { runChild } from '../support/child.ts'
import { retried } from '../support/retried.ts'
import { DaemonGroup } from './daemon-group.ts'
import { daemonPath, unpackedPackages } from './debian.ts'
import { freePort } from './free-port.ts'

/** A running MariaDB. */
export interface MariadbServer {
  /** `mariadb://root@127.0.0.1:PORT/test`. */
  readonly url: string
  readonly host: '127.0.0.1'
  readonly port: number
  /** May do everything, without a password. */
  readonly user: 'root'
  readonly database: 'test'
  /** Makes an empty database, and returns its URL; default: with a name of its own. */
  createDatabase(name?: string): Promise<string>
  readonly pids: readonly number[]
  close(): Promise<void>
}

/** Debian's name of this machine's libraries. */
const LIBRARIES = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu'

const FAST = [
  '--skip-log-bin',
  '--innodb-flush-log-at-trx-commit=0',
  '--innodb-fast-shutdown=2',
  '--max-connections=200',
]

/** The second brings a program that the installation calls; the others are libraries. */
const OTHERS = ['mariadb-client-core', 'libmariadb3', 'liburing2', 'libaio1', 'libnuma1', 'libatomic1']

/** Unpacks and starts it, in three tries; throws when it cannot, with its logs. */
export async function startMariadb(): Promise<MariadbServer> {
  const root = await unpackedPackages(['mariadb-server-core', ...OTHERS])
  return retried('starting MariaDB', 3, () => start(root))
}

async function start(root: string): Promise<MariadbServer> {
  const group = await DaemonGroup.make('mariadb-')
  const { folder } = group
  try {
    const data = join(folder, 'data')
    const libraries = ['usr/lib', 'lib'].map(each => join(root, each, LIBRARIES)).join(':')
    const env = { PATH: daemonPath, LC_ALL: 'C.UTF-8', TZ: 'UTC', LD_LIBRARY_PATH: libraries }
    const isRoot = process.getuid?.() === 0
    const places = [
      '--no-defaults',
      `--basedir=${join(root, 'usr')}`,
      `--datadir=${data}`,
      ...(isRoot ? ['--user=root'] : []),
    ]
    const language = [`--lc-messages-dir=${join(root, 'usr/share/mysql')}`, '--character-set-server=utf8mb4']
    const making = [...places, '--auth-root-authentication-method=normal', '--skip-name-resolve', ...language]
    await runChild(join(root, 'usr/bin/mariadb-install-db'), making, { env })
    const port = await freePort()
    const where = [`--port=${port}`, '--bind-address=127.0.0.1', `--socket=${join(folder, 'm.sock')}`]
    const logs = [`--pid-file=${join(folder, 'm.pid')}`, `--tmpdir=${folder}`]
    group.start(join(root, 'usr/sbin/mariadbd'), [...places, ...language, ...where, ...logs, ...FAST], { env })
    const url = `mariadb://root@127.0.0.1:${port}/test`
    await group.until('MariaDB', () =>
      query(port, 'CREATE DATABASE IF NOT EXISTS test').then(
        () => true,
        () => false,
      ),
    )
    return {
      url,
      host: '127.0.0.1',
      port,
      user: 'root',
      database: 'test',
      async createDatabase(name = `d${randomUUID().replaceAll('-', '')}`) {
        await query(port, `CREATE DATABASE \`${name}\``)
        return url.replace(/test$/, name)
      },
      pids: group.pids,
      close: () => group.close(),
    }
  } catch (error) {
    throw await group.failed(error)
  }
}

async function query(port: number, text: string): Promise<void> {
  const connection = await createConnection({ host: '127.0.0.1', port, user: 'root' })
  try {
    await connection.query(text)
  } finally {
    await connection.end()
  }
}
