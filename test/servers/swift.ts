/**
 * OpenStack Swift 2.30 from Debian's packages, unpacked: a proxy, one account, container and object server each, and memcached, all on
 * loopback and in a temporary folder. It logs in by TempAuth, or by a Keystone that runs already.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { runChild } from '../support/child.ts'
import { retried } from '../support/retried.ts'
import { DaemonGroup } from './daemon-group.ts'
import { needPackages, unpackedPackages } from './debian.ts'
import { freePort, listens } from './free-port.ts'
import { type KeystoneServer, pythonEnv, startKeystone } from './keystone.ts'

/** How Swift is started. */
export interface SwiftOptions {
  /** Who logs in; default TempAuth. It is not closed with Swift. */
  readonly keystone?: KeystoneServer
  /** Digests of TempURLs; default all three. */
  readonly allowedDigests?: readonly string[]
  /** Bytes of one object; default 5 GiB + 2. */
  readonly maxFileSize?: number
}

/** A running Swift. */
export interface SwiftServer {
  /** The proxy server, without a path. */
  readonly url: string
  readonly port: number
  /** Auth v1; only TempAuth answers there. */
  readonly authUrl: string
  readonly user: 'test:tester'
  readonly key: 'testing'
  readonly keystone: KeystoneServer | undefined
  /** A new token and the URL of the account, for plain requests. */
  login(): Promise<{ readonly token: string; readonly storageUrl: string }>
  /** Makes every token given so far invalid. */
  expireTokens(): Promise<void>
  readonly pids: readonly number[]
  logs(): Promise<string>
  close(): Promise<void>
}

/** What Swift imports, and memcached's libraries; none of them makes users or starts daemons. */
const LIBRARIES = [
  ...'cryptography eventlet lxml netifaces openssl oslo.config oslo.log pastedeploy pkg-resources pyeclib requests six xattr'
    .split(' ')
    .map(name => `python3-${name}`),
  'libevent-2.1-7',
  'libsasl2-2',
]

const PYTHON = '/usr/bin/python3'
const DAEMON = join(import.meta.dirname, 'swift/daemon.py')
const ROLES = ['account', 'container', 'object'] as const

/** Installs what is missing and starts Swift, in three tries; throws when it cannot, with the daemons' logs. */
export async function startSwift(options: SwiftOptions = {}): Promise<SwiftServer> {
  await needPackages([...LIBRARIES, ...(options.keystone === undefined ? [] : ['python3-keystonemiddleware'])])
  const root = await unpackedPackages(['python3-swift'])
  const memcached = join(await unpackedPackages(['memcached']), 'usr/bin/memcached')
  return retried('starting Swift', 3, () => start(join(root, 'usr/lib/python3/dist-packages'), memcached, options))
}

/** Starts Keystone, and Swift behind it; closing Swift closes both. */
export async function startSwiftWithKeystone(
  options: Omit<SwiftOptions, 'keystone'> = {},
): Promise<SwiftServer & { readonly keystone: KeystoneServer }> {
  const keystone = await startKeystone()
  try {
    const server = await startSwift({ ...options, keystone })
    return { ...server, keystone, close: () => server.close().finally(() => keystone.close()) }
  } catch (error) {
    await keystone.close()
    throw error
  }
}

interface Ports {
  readonly proxy: number
  readonly memcached: number
  readonly account: number
  readonly container: number
  readonly object: number
}

function general(folder: string, port: number): string {
  return `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
workers = 0
user = ${userInfo().username}
swift_dir = ${folder}
devices = ${folder}/devices
mount_check = false
disable_fallocate = true
log_level = WARNING
`
}

/** The middleware that knows users. */
function loginFilters({ keystone }: SwiftOptions, memcached: number): readonly [pipeline: string, sections: string] {
  if (keystone === undefined) {
    return ['tempauth', `[filter:tempauth]\nuse = egg:swift#tempauth\nuser_test_tester = ${KEY} .admin\n`]
  }
  const { admin, url } = keystone
  return [
    'authtoken keystoneauth',
    `[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
auth_url = ${url}
www_authenticate_uri = ${url}
auth_type = password
username = ${admin.name}
password = ${admin.password}
project_name = ${admin.name}
user_domain_id = default
project_domain_id = default
delay_auth_decision = true
interface = public
memcached_servers = 127.0.0.1:${memcached}
[filter:keystoneauth]
use = egg:swift#keystoneauth
operator_roles = admin, swiftoperator
`,
  ]
}

function proxySettings(folder: string, ports: Ports, options: SwiftOptions): string {
  const [login, sections] = loginFilters(options, ports.memcached)
  const { allowedDigests = ['sha1', 'sha256', 'sha512'] } = options
  const before = 'catch_errors gatekeeper healthcheck proxy-logging cache listing_formats bulk tempurl formpost'
  const after = 'staticweb copy slo dlo versioned_writes symlink proxy-logging proxy-server'
  const plain =
    'catch_errors gatekeeper healthcheck listing_formats bulk formpost staticweb copy versioned_writes symlink'
  // Large objects of many small segments would be read at one segment a second.
  const fast = 'rate_limit_segments_per_sec = 100000\nrate_limit_after_segment = 100000'
  return `${general(folder, ports.proxy)}
[pipeline:main]
pipeline = ${before} ${login} ${after}
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
# On a busy machine a server that is slow is not taken for a dead one.
conn_timeout = 10
node_timeout = 30
error_suppression_limit = 1000000
${plain
  .split(' ')
  .map(name => `[filter:${name}]\nuse = egg:swift#${name}\n`)
  .join('')}
[filter:proxy-logging]
use = egg:swift#proxy_logging
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:${ports.memcached}
[filter:tempurl]
use = egg:swift#tempurl
allowed_digests = ${allowedDigests.join(' ')}
[filter:slo]
use = egg:swift#slo
${fast}
[filter:dlo]
use = egg:swift#dlo
${fast}
${sections}`
}

async function writeSettings(folder: string, ports: Ports, options: SwiftOptions): Promise<void> {
  const { maxFileSize } = options
  const limits = maxFileSize === undefined ? '' : `[swift-constraints]\nmax_file_size = ${maxFileSize}\n`
  await mkdir(join(folder, 'devices/disk'), { recursive: true })
  await writeFile(join(folder, 'swift.conf'), `[swift-hash]\nswift_hash_path_suffix = holdall\n${limits}`)
  await writeFile(join(folder, 'proxy.conf'), proxySettings(folder, ports, options))
  for (const role of ROLES) {
    const text = `${general(folder, ports[role])}
[pipeline:main]
pipeline = ${role}-server
[app:${role}-server]
use = egg:swift#${role}
`
    await writeFile(join(folder, `${role}.conf`), text)
  }
}

async function start(path: string, memcached: string, options: SwiftOptions): Promise<SwiftServer> {
  const { keystone } = options
  const group = await DaemonGroup.make('swift-')
  const { folder } = group
  try {
    const [proxy, cache, account, container, object] = await Promise.all(Array.from({ length: 5 }, () => freePort()))
    const ports = { proxy: proxy!, memcached: cache!, account: account!, container: container!, object: object! }
    await writeSettings(folder, ports, options)
    const env = pythonEnv(path)
    const rings = [DAEMON, 'rings', folder, ...ROLES.map(role => String(ports[role]))]
    await runChild(PYTHON, rings, { env })
    const user = userInfo().username
    group.start(memcached, ['-l', '127.0.0.1', '-p', String(ports.memcached), '-U', '0', '-u', user], { env })
    for (const role of [...ROLES, 'proxy']) group.start(PYTHON, [DAEMON, role, folder], { env, title: role })
    const url = `http://127.0.0.1:${ports.proxy}`
    if (keystone !== undefined) await keystone.addStorage(`${url}/v1/AUTH_%(tenant_id)s`)
    const login = (): Promise<{ token: string; storageUrl: string }> =>
      keystone === undefined ? loginTempAuth(url) : loginKeystone(keystone, url)
    await group.until('Swift', async () => {
      const { token, storageUrl } = await login().catch(() => ({ token: '', storageUrl: '' }))
      if (storageUrl === '') return false
      const answer = await fetch(storageUrl, { headers: { 'x-auth-token': token } }).catch(() => undefined)
      const listening = await Promise.all(ROLES.map(role => listens(ports[role])))
      return answer?.ok === true && listening.every(Boolean)
    })
    return {
      url,
      port: ports.proxy,
      authUrl: `${url}/auth/v1.0`,
      user: USER,
      key: KEY,
      keystone,
      login,
      async expireTokens() {
        await keystone?.expireTokens()
        await flush(ports.memcached)
      },
      pids: group.pids,
      logs: () => group.logs(),
      close: () => group.close(),
    }
  } catch (error) {
    throw await group.failed(error)
  }
}

const USER = 'test:tester'
const KEY = 'testing'

async function loginTempAuth(url: string): Promise<{ token: string; storageUrl: string }> {
  const answer = await fetch(`${url}/auth/v1.0`, { headers: { 'x-auth-user': USER, 'x-auth-key': KEY } })
  const { headers } = answer
  return { token: headers.get('x-auth-token') ?? '', storageUrl: headers.get('x-storage-url') ?? '' }
}

async function loginKeystone(keystone: KeystoneServer, url: string): Promise<{ token: string; storageUrl: string }> {
  const { name, password } = keystone.user
  const domain = { id: 'default' }
  const identity = { methods: ['password'], password: { user: { name, domain, password } } }
  const scope = { project: { id: keystone.project.id } }
  const body = JSON.stringify({ auth: { identity, scope } })
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${keystone.url}/auth/tokens`, { method: 'POST', headers, body })
  const token = answer.headers.get('x-subject-token') ?? ''
  return { token, storageUrl: answer.ok ? `${url}/v1/AUTH_${keystone.project.id}` : '' }
}

/** Empties memcached, where TempAuth has its tokens and the middleware of Keystone those that it has checked. */
async function flush(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  const answered = new Promise<string>((resolve, reject) => {
    socket.once('data', data => resolve(String(data)))
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('memcached closed the connection')))
  })
  socket.write('flush_all\r\n')
  const answer = await answered.finally(() => socket.destroy())
  if (!answer.startsWith('OK')) throw new Error(`memcached: ${answer}`)
}
