import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LocalStorage } from '../../src/backends/local/index.ts'
import { S3Storage } from '../../src/backends/s3/index.ts'
import { createFileHandler, toNodeListener } from '../../src/serve/index.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { storageWith as azureStorage } from '../backends/azure/support.ts'
import { at as atDropbox, storageWith as dropboxStorage } from '../backends/dropbox/support.ts'
import { at as atGcs, storageWith as gcsStorage } from '../backends/gcs/support.ts'
import { at as atSwift, storageWith as swiftStorage } from '../backends/swift/support.ts'
import { startStrictAzure } from '../servers/strict-azure.ts'
import { startStrictDropbox } from '../servers/strict-dropbox.ts'
import { startStrictGcs } from '../servers/strict-gcs.ts'
import { startStrictS3 } from '../servers/strict-s3.ts'
import { startStrictSwift } from '../servers/strict-swift.ts'

/** The servers' clock, which tests can set. */
const now = (): number => Date.now()

export const NOWHERE = { settings: {}, env: {} } as const

/** Options that tests give to a storage of any backend. */
export type PlaceOptions = Readonly<Record<string, unknown>>

/** A place of files that several storages may be opened over. */
export interface Place {
  storage(options?: PlaceOptions): Storage
  /** Ids or names of what unfinished uploads have left at the service. */
  unfinished(): readonly string[]
  end(): Promise<void>
}

export async function s3Place(): Promise<Place> {
  const server = await startStrictS3({ now })
  const { url: endpointUrl, region: regionName, credentials } = server
  const { accessKeyId: accessKey, secretAccessKey: secretKey } = credentials
  const place = { endpointUrl, regionName, bucketName: 'media', accessKey, secretKey }
  return {
    storage: options => new S3Storage({ ...place, ...options }, NOWHERE),
    unfinished: () => [...server.bucket().uploads.keys()],
    end: () => server.close(),
  }
}

export async function azurePlace(): Promise<Place> {
  const server = await startStrictAzure({ now })
  const { connectionString } = server
  return {
    storage: options => azureStorage({ connectionString, azureContainer: 'media', ...options }),
    unfinished: () => [...server.container().uncommitted.keys()],
    end: () => server.close(),
  }
}

export async function gcsPlace(): Promise<Place> {
  const server = await startStrictGcs({ now })
  return {
    storage: options => gcsStorage({ ...atGcs(server), ...options }),
    unfinished: () => server.sessions.open.map(({ id }) => id),
    end: () => server.close(),
  }
}

export async function swiftPlace(): Promise<Place> {
  const server = await startStrictSwift({ tempUrlKey: 'a key', now })
  return {
    storage: options => swiftStorage({ ...atSwift(server), tempUrlKey: 'a key', ...options }),
    unfinished: () => [...(server.account().containers.get('media_segments')?.objects.keys() ?? [])],
    end: () => server.close(),
  }
}

export async function dropboxPlace(): Promise<Place> {
  const server = await startStrictDropbox({ now })
  return {
    storage: options => dropboxStorage({ ...atDropbox(server), ...options }),
    unfinished: () => server.sessions.open.filter(({ closed }) => !closed).map(({ id }) => id),
    end: () => server.close(),
  }
}

/** A folder that a file handler serves. */
export async function localPlace(): Promise<Place> {
  const location = mkdtempSync(join(tmpdir(), 'holdall-place-'))
  const http = createServer()
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve))
  const baseUrl = `http://127.0.0.1:${(http.address() as AddressInfo).port}/media/`
  const options = { location, baseUrl, urlSecret: 'a secret of a test', fsync: false }
  const served = new LocalStorage(options, NOWHERE)
  http.on('request', toNodeListener(createFileHandler(served, { basePath: '/media' })))
  return {
    storage: more => new LocalStorage({ ...options, ...more }, NOWHERE),
    unfinished: () =>
      readdirSync(location, { recursive: true })
        .map(String)
        .filter(name => /\.tmp$/.test(name)),
    end: async () => {
      http.closeAllConnections()
      await new Promise(resolve => http.close(resolve))
      rmSync(location, { recursive: true })
    },
  }
}
