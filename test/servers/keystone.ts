/**
 * OpenStack Keystone from Debian's packages, unpacked: one process, one SQLite file, all on loopback and in a temporary folder. It knows a
 * user with a password and an application credential in one project, and v3 only.
 */
import { rm, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { runChild } from '../support/child.ts'
import { retried } from '../support/retried.ts'
import { DaemonGroup } from './daemon-group.ts'
import { daemonPath, needPackages, unpackedPackages } from './debian.ts'
import { freePort } from './free-port.ts'

/** A running Keystone. */
export interface KeystoneServer {
  /** `http://127.0.0.1:PORT/v3`. */
  readonly url: string
  readonly region: 'RegionOne'
  readonly user: { readonly id: string; readonly name: string; readonly password: string }
  readonly project: { readonly id: string; readonly name: string }
  readonly domain: { readonly id: 'default'; readonly name: 'Default' }
  readonly applicationCredential: { readonly id: string; readonly name: string; readonly secret: string }
  /** Who may check tokens: user and project of this name. */
  readonly admin: { readonly name: 'admin'; readonly password: string }
  /** Writes a storage service into the catalog; the URL may have `%(tenant_id)s`. */
  addStorage(url: string): Promise<void>
  /** Makes every token given so far invalid, by new keys. */
  expireTokens(): Promise<void>
  readonly pids: readonly number[]
  close(): Promise<void>
}

/** What Keystone imports, none of which makes users or starts daemons. */
const LIBRARIES = [
  'bcrypt dateutil dogpile.cache flask flask-restful jsonschema jwt keystoneclient keystonemiddleware ldappool lxml memcache migrate',
  'msgpack oauthlib oslo.cache oslo.config oslo.context oslo.db oslo.i18n oslo.log oslo.messaging oslo.middleware oslo.policy',
  'oslo.serialization oslo.upgradecheck oslo.utils osprofiler passlib pbr pycadf pysaml2 scrypt sqlalchemy stevedore tz webob waitress',
]
  .flatMap(line => line.split(' '))
  .map(name => `python3-${name}`)

const DAEMON = join(import.meta.dirname, 'keystone/daemon.py')
/** Debian's own Python: another one in PATH does not see its packages. */
const PYTHON = '/usr/bin/python3'

/** Installs what is missing and starts Keystone, in three tries; throws when it cannot, with its logs. */
export async function startKeystone(): Promise<KeystoneServer> {
  await needPackages(LIBRARIES)
  const root = await unpackedPackages(['python3-keystone'])
  return retried('starting Keystone', 3, () => start(join(root, 'usr/lib/python3/dist-packages')))
}

/** Environment of Python's daemons: its unpacked packages, and no proxies. */
export function pythonEnv(path: string, more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  return { PATH: daemonPath, LANG: 'C.UTF-8', PYTHONPATH: path, PYTHONWARNINGS: 'ignore', ...more }
}

async function start(path: string): Promise<KeystoneServer> {
  const group = await DaemonGroup.make('keystone-')
  const { folder } = group
  try {
    const config = join(folder, 'keystone.conf')
    const database = join(folder, 'keystone.db')
    const port = await freePort()
    const url = `http://127.0.0.1:${port}/v3`
    await writeFile(
      config,
      [
        `[database]\nconnection = sqlite:///${database}`,
        `[token]\nprovider = fernet`,
        `[fernet_tokens]\nkey_repository = ${folder}/fernet`,
        `[credential]\nkey_repository = ${folder}/credential`,
        '[DEFAULT]\nuse_stderr = true',
      ].join('\n'),
    )
    const env = pythonEnv(path, { OS_KEYSTONE_CONFIG_FILES: config })
    const manage = async (...words: string[]): Promise<void> => {
      await runChild(PYTHON, [DAEMON, ...words], { env, timeoutMs: 120_000 })
    }
    const { username } = userInfo()
    const owner = ['--keystone-user', username, '--keystone-group', username]
    const keys = (): Promise<void> => manage('--config-file', config, 'fernet_setup', ...owner)
    await manage('--config-file', config, 'db_sync')
    await keys()
    await manage('--config-file', config, 'credential_setup', ...owner)
    const password = 'secret'
    const urls = ['--bootstrap-public-url', url, '--bootstrap-internal-url', url, '--bootstrap-region-id', 'RegionOne']
    await manage('--config-file', config, 'bootstrap', '--bootstrap-password', password, ...urls)
    await manage('wal', database)
    group.start(PYTHON, [DAEMON, 'serve', String(port)], { env, title: 'keystone' })
    await group.until('Keystone', async () => {
      const answer = await fetch(url).catch(() => undefined)
      return answer?.ok ?? false
    })
    const admin = { name: 'admin', password } as const
    const made = await fill(url, password)
    return {
      url,
      region: 'RegionOne',
      ...made,
      domain: { id: 'default', name: 'Default' },
      admin,
      addStorage: storageUrl => addStorage(url, password, storageUrl),
      async expireTokens() {
        await rm(join(folder, 'fernet'), { recursive: true })
        await keys()
      },
      pids: group.pids,
      close: () => group.close(),
    }
  } catch (error) {
    throw await group.failed(error)
  }
}

/** One call of the identity service; throws when it is not answered as it should be. */
async function call(
  url: string,
  method: string,
  token: string,
  body?: unknown,
): Promise<{ readonly token: string; readonly json: unknown }> {
  const headers = { 'content-type': 'application/json', 'x-auth-token': token }
  const sent = body === undefined ? {} : { body: JSON.stringify(body) }
  const answer = await fetch(url, { method, headers, ...sent })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${text}`)
  return { token: answer.headers.get('x-subject-token') ?? '', json: text === '' ? undefined : JSON.parse(text) }
}

const DOMAIN = { id: 'default' }

/** A token of a user in a project of the default domain. */
async function tokenOf(url: string, name: string, password: string, project: string): Promise<string> {
  const identity = { methods: ['password'], password: { user: { name, domain: DOMAIN, password } } }
  const scope = { project: { name: project, domain: DOMAIN } }
  const { token } = await call(`${url}/auth/tokens`, 'POST', '', { auth: { identity, scope } })
  return token
}

interface Named {
  readonly id: string
  readonly name: string
}

/** Makes the user, the project, the role and the application credential. */
async function fill(
  url: string,
  adminPassword: string,
): Promise<Pick<KeystoneServer, 'user' | 'project' | 'applicationCredential'>> {
  const token = await tokenOf(url, 'admin', adminPassword, 'admin')
  const make = async (
    kind: string,
    fields: object,
    path = `${kind}s`,
    as = token,
  ): Promise<Named & { secret: string }> => {
    const { json } = await call(`${url}/${path}`, 'POST', as, { [kind]: fields })
    return (json as Record<string, Named & { secret: string }>)[kind]!
  }
  const password = 'pass:w@rd/ü"\\ 1'
  const project = await make('project', { name: 'demo project', domain_id: 'default' })
  const user = await make('user', { name: 'tester', password, domain_id: 'default', default_project_id: project.id })
  const role = await make('role', { name: 'swiftoperator' })
  await call(`${url}/projects/${project.id}/users/${user.id}/roles/${role.id}`, 'PUT', token)
  const own = await tokenOf(url, 'tester', password, 'demo project')
  const path = `users/${user.id}/application_credentials`
  const { id, name, secret } = await make('application_credential', { name: 'uploader' }, path, own)
  return {
    user: { id: user.id, name: user.name, password },
    project: { id: project.id, name: project.name },
    applicationCredential: { id, name, secret },
  }
}

async function addStorage(url: string, adminPassword: string, storageUrl: string): Promise<void> {
  const token = await tokenOf(url, 'admin', adminPassword, 'admin')
  const service = { type: 'object-store', name: 'swift' }
  const { json } = await call(`${url}/services`, 'POST', token, { service })
  const { id } = (json as { service: Named }).service
  for (const kind of ['public', 'internal', 'admin']) {
    const endpoint = { interface: kind, region_id: 'RegionOne', service_id: id, url: storageUrl }
    await call(`${url}/endpoints`, 'POST', token, { endpoint })
  }
}
