import { configure, storages } from 'holdall'
import { LocalStorage } from 'holdall/local'
import { MemoryStorage } from 'holdall/memory'
import { S3Storage } from 'holdall/s3'
import { saved } from './saved.mjs'

/** What each backend gives back, and where credentials were found. */
export async function report({ S3_ENDPOINT: endpointUrl, S3_KEY: accessKey, S3_SECRET: secretKey, FOLDER: location }) {
  const place = { endpointUrl, bucketName: 'media', regionName: 'us-east-1', fileOverwrite: true }
  configure({
    STORAGES: {
      default: { BACKEND: 'memory' },
      local: { BACKEND: 'local', OPTIONS: { location } },
      s3: { BACKEND: S3Storage, OPTIONS: { ...place, accessKey, secretKey } },
    },
  })
  return {
    memory: await saved(storages.default),
    local: await saved(storages.local),
    s3: await saved(storages.s3),
    byName: storages.default instanceof MemoryStorage && storages.local instanceof LocalStorage,
    credentials: await credentials(place),
  }
}

/** Without keys in the settings the optional package is asked. */
async function credentials(place) {
  try {
    return (await new S3Storage(place).stat('in/a.txt')).size
  } catch (error) {
    return error.message
  }
}
