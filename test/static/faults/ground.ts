import { AsyncLocalStorage } from 'node:async_hooks'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LocalStorage } from '../../../src/backends/local/index.ts'
import { MemoryStorage } from '../../../src/backends/memory/index.ts'
import { S3Storage } from '../../../src/backends/s3/index.ts'
import type { Call, Layer } from '../../../src/layers/layer.ts'
import type { AnyStorage } from '../../../src/storage/storage.ts'
import { type StrictS3, startStrictS3 } from '../../servers/strict-s3.ts'
import type { Seen } from './check.ts'

/** Runs around every call of a storage; throws instead of going on, or lets it through. */
export type Around = <T>(call: Call, next: () => Promise<T>) => Promise<T>

/** A target whose calls can be made to fail. */
export interface Ground extends AsyncDisposable {
  readonly storage: AnyStorage
  /** Set by a test; undefined lets everything through. */
  around: Around | undefined
  /** Every file there is, whatever `around` says. */
  seen(): Promise<Seen>
  /** Removes every file. */
  empty(): Promise<void>
}

/** The kinds of targets, by their names. */
export const GROUNDS: Readonly<Record<string, () => Promise<Ground>>> = {
  memory: async () => groundOf(layers => new MemoryStorage({ fileOverwrite: true }, services(layers))),
  'local disk': async () => {
    const location = await mkdtemp(join(tmpdir(), 'holdall-static-'))
    const make = (layers: readonly Layer[]): AnyStorage =>
      new LocalStorage({ location, fsync: false, fileOverwrite: true }, services(layers))
    return groundOf(make, () => rm(location, { recursive: true, force: true }))
  },
  S3: async () => {
    const server = await startStrictS3()
    return groundOf(
      layers => strictStorage(server, layers),
      () => server.close(),
    )
  },
}

/** A storage of a strict S3 server, whose calls are not repeated. */
export function strictStorage(server: StrictS3, layers: readonly Layer[] = []): AnyStorage {
  const { accessKeyId: accessKey, secretAccessKey: secretKey } = server.credentials
  const reached = { endpointUrl: server.url, bucketName: 'media', regionName: server.region, accessKey, secretKey }
  return new S3Storage({ ...reached, querystringAuth: false, maxAttempts: 1, fileOverwrite: true }, services(layers))
}

function services(layers: readonly Layer[]) {
  return { settings: {}, env: {}, layers }
}

function groundOf(make: (layers: readonly Layer[]) => AnyStorage, close?: () => Promise<void>): Ground {
  const looking = new AsyncLocalStorage<boolean>()
  const ground: { around: Around | undefined } = { around: undefined }
  const layer: Layer = (call, next, ctx) =>
    ground.around === undefined || looking.getStore() === true ? next(ctx) : ground.around(call, () => next(ctx))
  const storage = make([layer])
  const namesOf = async (): Promise<string[]> => {
    const names: string[] = []
    for await (const { name } of storage.entries('', { recursive: true })) names.push(name)
    return names
  }
  const seen = async (): Promise<Seen> => {
    const all = new Map<string, string>()
    for (const name of await namesOf()) all.set(name, (await storage.readBytes(name)).toString())
    return all
  }
  const empty = async (): Promise<void> => {
    for (const name of await namesOf()) await storage.delete(name)
  }
  return Object.assign(ground, {
    storage,
    seen: () => looking.run(true, seen),
    empty: () => looking.run(true, empty),
    async [Symbol.asyncDispose]() {
      await storage.close()
      await close?.()
    },
  })
}
