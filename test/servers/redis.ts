/** Redis 7 from Debian's packages, unpacked: on loopback, in memory only. */

import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { retried } from '../support/retried.ts'
import { DaemonGroup } from './daemon-group.ts'
import { daemonPath, unpackedPackages } from './debian.ts'
import { freePort } from './free-port.ts'

/** A running Redis. */
export interface RedisServer {
  /** `redis://127.0.0.1:PORT`. */
  readonly url: string
  readonly port: number
  readonly pids: readonly number[]
  close(): Promise<void>
}

/** Debian's name of this machine's libraries. */
const LIBRARIES = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu'

/** Unpacks and starts it, in three tries; throws when it cannot, with its logs. */
export async function startRedis(): Promise<RedisServer> {
  const root = await unpackedPackages(['redis-server', 'redis-tools', 'libjemalloc2', 'liblzf1', 'libatomic1'])
  return retried('starting Redis', 3, () => start(root))
}

async function start(root: string): Promise<RedisServer> {
  const group = await DaemonGroup.make('redis-')
  try {
    const port = await freePort()
    const libraries = ['usr/lib', 'lib'].map(each => join(root, each, LIBRARIES)).join(':')
    const env = { PATH: daemonPath, LC_ALL: 'C.UTF-8', LD_LIBRARY_PATH: libraries }
    const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
    group.start(join(root, 'usr/bin/redis-server'), [...options, '--dir', group.folder], { env })
    await group.until('Redis', () => answers(port))
    return { url: `redis://127.0.0.1:${port}`, port, pids: group.pids, close: () => group.close() }
  } catch (error) {
    throw await group.failed(error)
  }
}

/** Whether it says PONG to PING. */
async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    socket.write('PING\r\n')
    const [answer] = await once(socket, 'data')
    return String(answer) === '+PONG\r\n'
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
