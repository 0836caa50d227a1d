import { join } from 'node:path'
import { AtmosStorage, NinefoldStorage } from '../atmos/index.ts'
import { LocalStorage } from '../local/index.ts'
import { NimbusStorage } from '../nimbus/index.ts'
import { azure, gcs, s3 } from './cloud-recipes.ts'
import { rackspace, swift } from './openstack-recipes.ts'
import type { Recipe } from './recipe.ts'
import type { StoreName } from './types.ts'

const local: Recipe = {
  storage: LocalStorage,
  needs: ['bucket'],
  takes: ['path'],
  names: { location: 'bucket' },
  options({ entry, common }) {
    const { user, path } = entry
    if (user !== null && path !== null) throw new Error('path: it has no effect beside user, which is the folder')
    const folder = user ?? path
    if (folder === null) throw new Error('user must be set for LOCAL: the folder that holds the containers')
    return { location: join(folder, entry.bucket!, common.location) }
  },
}

const atmos: Recipe = {
  storage: AtmosStorage,
  takes: ['host', 'port', 'path'],
  names: { container: 'bucket', user: 'user', key: 'key', host: 'host', port: 'port', path: 'path' },
  options({ entry, place }) {
    const { user, key, bucket: container, path } = entry
    const { host, port, secure } = place
    const named = { ...(host !== null && { host }), ...(path !== null && { path }) }
    return { user, key, container, port, secure, ...named }
  },
}

const ninefold: Recipe = { ...atmos, storage: NinefoldStorage }

const nimbus: Recipe = {
  storage: NimbusStorage,
  takes: ['keyId', 'host', 'port', 'domain'],
  names: { collection: 'bucket', user: 'user', key: 'key', keyId: 'keyId', domain: 'domain', host: 'host' },
  options({ entry, place }) {
    const { user, key, keyId, bucket: collection, domain } = entry
    const { host, port, secure } = place
    return { user, key, keyId, collection, host, port, secure, ...(domain !== null && { domain }) }
  },
}

/** The recipes by the names of the backends. */
export const RECIPES: Readonly<Record<StoreName, Recipe>> = {
  s3,
  gcs,
  azure,
  swift,
  rackspace,
  atmos,
  ninefold,
  nimbus,
  local,
}
