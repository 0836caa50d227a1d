import { S3Storage } from '../../../src/backends/s3/index.ts'
import type { S3Options } from '../../../src/backends/s3/settings/settings.ts'
import { isStorageError, type StorageError } from '../../../src/core/errors.ts'
import type { Input } from '../../../src/core/settings.ts'
import { type ScriptedServer, scriptedServer } from '../../support/scripted.ts'

/** Keys of a storage that speaks to a scripted service. */
export const KEYS = {
  accessKey: 'AKIDEXAMPLE',
  secretKey: 'secret/key+of==scripts',
  securityToken: 'session/token+of==scripts',
}

/** A service that answers as a function says, with what it was asked. */
export interface Scripted extends ScriptedServer {
  /** Options of a storage for it. */
  readonly options: Input<S3Options>
}

/** Starts one; `answer` gets the number of the request, from 0. */
export async function scripted(answer: Parameters<typeof scriptedServer>[0]): Promise<Scripted> {
  const server = await scriptedServer(answer)
  const options = { ...KEYS, bucketName: 'bkt', regionName: 'us-east-1', endpointUrl: server.url, maxAttempts: 1 }
  return { ...server, options }
}

/** The answer that an upload in parts was created. */
export function uploadOf(id: string): string {
  return `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`
}

/** A storage that looks at nothing but its options. */
export function storageOf(options: Input<S3Options>): S3Storage {
  return new S3Storage(options, { settings: {}, env: {} })
}

/** The `StorageError` of a call of a new storage. */
export async function refusal(
  options: Input<S3Options>,
  work: (files: S3Storage) => Promise<unknown>,
): Promise<StorageError> {
  await using files = storageOf(options)
  const error = await work(files).then(
    value => new Error(`did not fail: ${value}`),
    (reason: unknown) => reason,
  )
  if (isStorageError(error)) return error
  throw error
}
