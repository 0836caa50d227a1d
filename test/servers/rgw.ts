/**
 * Ceph RADOS Gateway from Debian's packages, as a real S3 server: one monitor, one memory OSD, one gateway, all on
 * loopback and in a temporary folder. About 25 seconds from zero; no systemd, no manager daemon.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { get } from 'node:http'
import { join } from 'node:path'
import { runChild } from '../support/child.ts'
import { retried } from '../support/retried.ts'
import { DaemonGroup } from './daemon-group.ts'
import { daemonPath, needPrograms } from './debian.ts'
import { freePort } from './free-port.ts'

const env: NodeJS.ProcessEnv = { ...process.env, PATH: daemonPath }

/** One user of the gateway. */
export interface RgwUser {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** A running gateway. */
export interface RgwServer {
  /** Endpoint by address, path style. */
  readonly url: string
  /** Endpoint whose subdomains are buckets, virtual style. */
  readonly virtualUrl: string
  readonly port: number
  readonly region: 'us-east-1'
  readonly credentials: RgwUser
  /** Name of the KMS key for `aws:kms`. */
  readonly kmsKeyId: string
  /** What this server lacks compared with Amazon S3. */
  readonly lacks: readonly string[]
  /** Makes another user. */
  addUser(name: string): Promise<RgwUser>
  /** Process ids of all daemons. */
  readonly pids: readonly number[]
  close(): Promise<void>
}

function settings(folder: string, fsid: string, monPort: number, port: number, memoryGib: number): string {
  return `[global]
fsid = ${fsid}
mon host = v2:127.0.0.1:${monPort}
mon initial members = a
public addr = 127.0.0.1
cluster addr = 127.0.0.1
keyring = ${folder}/keyring
run dir = ${folder}
admin socket = ${folder}/$name.asok
pid file = ${folder}/$name.pid
log file = ${folder}/$name.log
mon cluster log file = ${folder}/cluster.log
crash dir = ${folder}
mon data = ${folder}/mon
osd data = ${folder}/osd
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
osd objectstore = memstore
memstore device bytes = ${memoryGib * 2 ** 30}
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon data avail warn = 1
mon data avail crit = 0
mon max pg per osd = 1000
rgw frontends = beast endpoint=127.0.0.1:${port} tcp_nodelay=1
rgw dns name = localhost
rgw crypt require ssl = false
rgw crypt s3 kms backend = testing
rgw crypt s3 kms encryption keys = testkey=${randomBytes(32).toString('base64')}
`
}

/** Whether the gateway answers at all. */
function answers(url: string): Promise<boolean> {
  return new Promise(resolve => {
    const request = get(url, { timeout: 2000 }, response => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve(false))
  })
}

/** Tools of Ceph with the settings of one cluster. */
class Cluster {
  readonly group: DaemonGroup

  constructor(group: DaemonGroup) {
    this.group = group
  }

  get folder(): string {
    return this.group.folder
  }

  /** Runs a tool to its end with the cluster's settings; gives what it printed. */
  async tool(program: string, ...parameters: string[]): Promise<string> {
    const { stdout } = await runChild(program, parameters, { env, timeoutMs: 60_000 })
    return stdout
  }

  /** Runs a tool that talks to the cluster. */
  cluster(program: string, ...parameters: string[]): Promise<string> {
    return this.tool(program, '-c', join(this.folder, 'ceph.conf'), ...parameters)
  }

  /** Starts a daemon in the foreground. */
  daemon(program: string, ...parameters: string[]): void {
    this.group.start(program, ['-c', join(this.folder, 'ceph.conf'), '-f', ...parameters], { env })
  }
}

async function startCluster(cluster: Cluster, port: number, memoryGib: number): Promise<void> {
  const { folder } = cluster
  const fsid = randomUUID()
  const monPort = await freePort()
  const keyring = join(folder, 'keyring')
  const monmap = join(folder, 'monmap')
  await writeFile(join(folder, 'ceph.conf'), settings(folder, fsid, monPort, port, memoryGib))
  await mkdir(join(folder, 'osd'))
  const all = ['mon', 'osd', 'mgr'].flatMap(name => ['--cap', name, 'allow *'])
  await cluster.tool('ceph-authtool', '--create-keyring', keyring, '--gen-key', '-n', 'mon.', '--cap', 'mon', 'allow *')
  await cluster.tool('ceph-authtool', keyring, '--gen-key', '-n', 'client.admin', ...all)
  await cluster.tool('monmaptool', '--create', '--fsid', fsid, '--addv', 'a', `[v2:127.0.0.1:${monPort}]`, monmap)
  await cluster.cluster('ceph-mon', '--mkfs', '-i', 'a', '--monmap', monmap, '--keyring', keyring)
  cluster.daemon('ceph-mon', '-i', 'a')
  const osdUuid = randomUUID()
  const osdKeyring = join(folder, 'osd', 'keyring')
  await cluster.cluster('ceph', '--connect-timeout', '30', 'osd', 'new', osdUuid)
  const caps = ['mon', 'allow profile osd', 'osd', 'allow *']
  await cluster.cluster('ceph', '--connect-timeout', '30', 'auth', 'get-or-create', 'osd.0', ...caps, '-o', osdKeyring)
  await cluster.cluster('ceph-osd', '-i', '0', '--mkfs', '--osd-uuid', osdUuid, '--keyring', osdKeyring)
  cluster.daemon('ceph-osd', '-i', '0', '--keyring', osdKeyring)
  cluster.group.check()
  cluster.daemon('radosgw', '-n', 'client.admin', '-k', keyring)
  await cluster.group.until('radosgw', () => answers(`http://127.0.0.1:${port}/`))
}

/**
 * Installs what is missing and starts a gateway with one user, in three tries; throws when it cannot, with the daemons' logs. All objects are in
 * memory, of which they may take so many GiB; default 4.
 */
export async function startRgw({ memoryGib = 4 }: { readonly memoryGib?: number } = {}): Promise<RgwServer> {
  const programs = ['ceph-mon', 'ceph-osd', 'radosgw', 'radosgw-admin', 'ceph', 'ceph-authtool', 'monmaptool']
  await needPrograms(programs, ['ceph-mon', 'ceph-osd', 'radosgw', 'ceph-common'])
  return retried('starting Ceph RADOS Gateway', 3, () => startGateway(memoryGib))
}

async function startGateway(memoryGib: number): Promise<RgwServer> {
  const group = await DaemonGroup.make('rgw-')
  const cluster = new Cluster(group)
  const port = await freePort()
  const addUser = async (name: string): Promise<RgwUser> => {
    const user = { accessKeyId: `${name}-access`, secretAccessKey: randomBytes(20).toString('hex') }
    const keys = ['--access-key', user.accessKeyId, '--secret-key', user.secretAccessKey]
    await cluster.cluster('radosgw-admin', 'user', 'create', '--uid', name, '--display-name', name, ...keys)
    return user
  }
  try {
    await startCluster(cluster, port, memoryGib)
    const credentials = await addUser('owner')
    return {
      url: `http://127.0.0.1:${port}`,
      virtualUrl: `http://localhost:${port}`,
      port,
      region: 'us-east-1',
      credentials,
      kmsKeyId: 'testkey',
      lacks: ['conditional-complete', 'checksum-echo', 'aws-chunked', 'quoted-if-match', 'complete-etag'],
      addUser,
      pids: group.pids,
      close: () => group.close(),
    }
  } catch (error) {
    throw await group.failed(error)
  }
}
