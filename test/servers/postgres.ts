/**
 * PostgreSQL 15 from Debian's packages, unpacked: on loopback and in a temporary folder, with nothing made durable. It runs as an ordinary
 * user also where the tests run as root, which it refuses.
 */
import { randomUUID } from 'node:crypto'
import { chown, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from 'pg'
import { runChild } from '../support/child.ts'
import { retried } from '../support/retried.ts'
import { DaemonGroup } from './daemon-group.ts'
import { daemonPath, needPackages, unpackedPackages } from './debian.ts'
import { freePort } from './free-port.ts'

/** A running PostgreSQL. */
export interface PostgresServer {
  /** `postgres://postgres@127.0.0.1:PORT/postgres`. */
  readonly url: string
  readonly host: '127.0.0.1'
  readonly port: number
  /** May do everything, without a password. */
  readonly user: 'postgres'
  readonly database: 'postgres'
  /** Makes an empty database, and returns its URL; default: with a name of its own. */
  createDatabase(name?: string): Promise<string>
  readonly pids: readonly number[]
  /** Ends it as a crash does, calls a function, and starts it again: on the same port, with its data. */
  restart(whileDown?: () => Promise<void>): Promise<void>
  close(): Promise<void>
}

/** Debian's `nobody`: a user is needed that has a name and is not root. */
const NOBODY = 65_534
/** As `nobody`, who may still read folders of root: the packages may be below one. */
const AS_NOBODY = [
  `--reuid=${NOBODY}`,
  `--regid=${NOBODY}`,
  '--clear-groups',
  '--inh-caps=+dac_override',
  '--ambient-caps=+dac_override',
]

/** What is not written to the disk is lost with the machine only, and that is no part of the tests. */
const FAST = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'jit=off', 'max_connections=200']

/** Installs its libraries, unpacks and starts it, in three tries; throws when it cannot, with its logs. */
export async function startPostgres(): Promise<PostgresServer> {
  await needPackages(['libpq5', 'libxml2', 'liblz4-1'])
  const root = await unpackedPackages(['postgresql-15'])
  return retried('starting PostgreSQL', 3, () => start(join(root, 'usr/lib/postgresql/15/bin')))
}

async function start(programs: string): Promise<PostgresServer> {
  const group = await DaemonGroup.make('postgres-')
  const { folder } = group
  try {
    const isRoot = process.getuid?.() === 0
    const data = join(folder, 'data')
    await mkdir(data, { mode: 0o700 })
    if (isRoot) for (const path of [folder, data]) await chown(path, NOBODY, NOBODY)
    const env = { PATH: daemonPath, LC_ALL: 'C.UTF-8', TZ: 'UTC' }
    const initdb = [join(programs, 'initdb'), '-D', data, '-A', 'trust', '-U', 'postgres', '-E', 'UTF8', '--no-sync']
    const words = isRoot ? ['setpriv', ...AS_NOBODY, ...initdb] : initdb
    await runChild(words[0]!, words.slice(1), { env, cwd: folder })
    const port = await freePort()
    const settings = [`port=${port}`, 'listen_addresses=127.0.0.1', `unix_socket_directories=${folder}`, ...FAST]
    const options = ['-D', data, ...settings.flatMap(setting => ['-c', setting])]
    const program = join(programs, 'postgres')
    // A change of the user takes back what ends it with this process, so that comes last.
    const launch = (): void => {
      if (isRoot) {
        group.start('setpriv', [...AS_NOBODY, '--pdeathsig', 'KILL', program, ...options], { env, title: 'postgres' })
      } else {
        group.start(program, options, { env })
      }
    }
    const isReady = (): Promise<void> =>
      group.until('PostgreSQL', () =>
        query(url, 'SELECT 1').then(
          () => true,
          () => false,
        ),
      )
    const url = `postgres://postgres@127.0.0.1:${port}/postgres`
    launch()
    await isReady()
    return {
      url,
      host: '127.0.0.1',
      port,
      user: 'postgres',
      database: 'postgres',
      async createDatabase(name = `d${randomUUID().replaceAll('-', '')}`) {
        await query(url, `CREATE DATABASE "${name}" TEMPLATE template0`)
        return url.replace(/postgres$/, name)
      },
      get pids() {
        return group.pids
      },
      async restart(whileDown) {
        // Immediate shutdown: the server recovers from its log, as after a crash.
        await group.stop('SIGQUIT')
        await whileDown?.()
        launch()
        await isReady()
      },
      async close() {
        // It would wait for all clients to leave.
        for (const pid of group.pids) interrupt(pid)
        await group.close()
      },
    }
  } catch (error) {
    throw await group.failed(error)
  }
}

function interrupt(pid: number): void {
  try {
    process.kill(pid, 'SIGINT')
  } catch {
    // It has ended already.
  }
}

async function query(url: string, text: string): Promise<void> {
  const client = new Client(url)
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query(text)
  } finally {
    await client.end()
  }
}
