/** A server for each family of providers, and the entry that reaches it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startStrictAtmos } from '../../servers/strict-atmos.ts'
import { startStrictAzure } from '../../servers/strict-azure.ts'
import { startStrictGcs } from '../../servers/strict-gcs.ts'
import { startStrictNimbus } from '../../servers/strict-nimbus.ts'
import { startStrictS3 } from '../../servers/strict-s3.ts'
import { DOMAIN, PROJECT, startStrictSwift, USER } from '../../servers/strict-swift.ts'
import { entryOf, hostOf, storageOf } from './support.ts'

/** A running provider, which has the containers `media` and `other`. */
export interface ProviderPlace {
  readonly name: ProviderName
  readonly entry: Readonly<Record<string, unknown>>
  close(): Promise<void>
}

const BUCKETS = ['media', 'other']

/** How each is started. */
const STARTS = {
  async S3() {
    const server = await startStrictS3({ buckets: BUCKETS })
    const { accessKeyId: user, secretAccessKey: key } = server.credentials
    return { entry: entryOf('S3', { ...hostOf(server.url), user, key, region: server.region }), server }
  },
  async GOOGLE_STORAGE() {
    const server = await startStrictGcs({ buckets: BUCKETS })
    const { accessId: user, secret: key } = server.hmac
    return { entry: entryOf('GOOGLE_STORAGE', { ...hostOf(server.url), user, key, project: server.projectId }), server }
  },
  async AZURE_BLOBS() {
    const server = await startStrictAzure({ containers: BUCKETS })
    const { account: user, accountKey: key } = server
    return { entry: entryOf('AZURE_BLOBS', { ...hostOf(server.url), user, key }), server }
  },
  async ATMOS() {
    const server = await startStrictAtmos()
    const { uid: user, secret: key } = server.credentials
    const entry = entryOf('ATMOS', { ...hostOf(server.url), user, key })
    await using storage = storageOf(entry)
    for (const bucket of BUCKETS) await storage.driver.createContainer(bucket)
    return { entry, server }
  },
  async NIMBUS() {
    const server = await startStrictNimbus({ collections: BUCKETS })
    const { username: user, keyId: key_id, key } = server.user
    return { entry: entryOf('NIMBUS', { ...hostOf(server.url), domain: server.domain, user, key_id, key }), server }
  },
  async OPENSTACK_SWIFT() {
    const server = await startStrictSwift({ containers: BUCKETS, tempUrlKey: 'temp key' })
    const user = { user: USER.name, key: USER.password, ex_tenant_name: PROJECT.name, ex_domain_name: DOMAIN.name }
    const auth = { ex_force_auth_url: server.identityUrl, ex_force_auth_version: '3.x_password' }
    return { entry: entryOf('OPENSTACK_SWIFT', { ...user, ...auth, temp_url_key: 'temp key' }), server }
  },
  async LOCAL() {
    const folder = await mkdtemp(join(tmpdir(), 'holdall-libcloud-'))
    const server = { close: () => rm(folder, { recursive: true }) }
    return { entry: { type: 'LOCAL', user: folder, bucket: 'media' }, server }
  },
}

export type ProviderName = keyof typeof STARTS

/** Starts one server of each. */
export async function startPlaces(
  names: readonly ProviderName[] = Object.keys(STARTS) as ProviderName[],
): Promise<ProviderPlace[]> {
  return Promise.all(
    names.map(async name => {
      const { entry, server } = await STARTS[name]()
      return { name, entry, close: () => server.close() }
    }),
  )
}
