import { DeleteObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { S3Storage } from '../../../src/backends/s3/index.ts'
import { isStorageError } from '../../../src/core/errors.ts'
import { type RgwServer, startRgw } from '../../servers/rgw.ts'
import { emptyAndClose } from '../backend.ts'
import { officialClient, rgwStorage } from '../places/rgw.ts'
import { keysIn } from './objects.ts'
import { type DjangoSettings, DjangoStorages, PythonError } from './python.ts'

/** A bucket that django-storages and Holdall both work in, by the same global settings. */
export interface Place extends AsyncDisposable {
  readonly django: DjangoStorages
  readonly server: RgwServer
  readonly bucket: string
  /** The official client. */
  readonly client: S3Client
  /** The settings that reach the bucket, and more. */
  settings(more?: DjangoSettings): DjangoSettings
  /** Our storage of exactly these settings. */
  holdall(settings: DjangoSettings, env?: Readonly<Record<string, string>>): S3Storage
  /** Removes every object. */
  empty(): Promise<void>
}

/** Starts both; throws when either is missing. */
export async function startPlace(): Promise<Place> {
  const bucket = 'media'
  const django = await DjangoStorages.start()
  let server: RgwServer | undefined
  try {
    server = await startRgw()
    await using made = rgwStorage(server, {}, bucket)
    await made.createContainer()
  } catch (error) {
    await django[Symbol.asyncDispose]()
    await server?.close()
    throw error
  }
  return placeOf(django, server, bucket)
}

function placeOf(django: DjangoStorages, server: RgwServer, bucket: string): Place {
  const { url, credentials } = server
  const client = officialClient(server)
  const reached = {
    AWS_S3_ENDPOINT_URL: url,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_STORAGE_BUCKET_NAME: bucket,
  }
  return {
    django,
    server,
    bucket,
    client,
    settings: more => ({ ...reached, ...more }),
    holdall: (settings, env = {}) => new S3Storage({}, { settings, env }),
    async empty() {
      await emptyAndClose(rgwStorage(server, {}, bucket))
      // What stands for an empty folder is no file to us.
      for (const Key of await keysIn(client, bucket))
        await client.send(new DeleteObjectCommand({ Bucket: bucket, Key }))
    },
    async [Symbol.asyncDispose]() {
      client.destroy()
      await django[Symbol.asyncDispose]()
      await server.close()
    },
  }
}

/** Why a call failed, in words that both sides share: our error code, or the code that the service gave. */
export interface Refused {
  readonly refused: string
  /** What is told of a bad setting or name, which is the same on both sides. */
  readonly message?: string
}

/** Our codes of Python's exceptions. */
const CODES: Readonly<Record<string, string>> = {
  ImproperlyConfigured: 'improperly_configured',
  SuspiciousOperation: 'suspicious_name',
  SuspiciousFileOperation: 'suspicious_name',
  FileNotFoundError: 'not_found',
  ParamValidationError: 'invalid_argument',
  ValueError: 'invalid_argument',
}

/** How a failure of either side is told. */
export function refusalOf(error: unknown): Refused {
  if (error instanceof PythonError) {
    return refusal(error.code ?? CODES[error.type] ?? error.type, error.message.slice(error.type.length + 2))
  }
  if (!isStorageError(error)) throw error
  const { serviceCode } = (error.cause ?? {}) as { serviceCode?: string }
  return refusal(serviceCode ?? error.code, error.message)
}

function refusal(refused: string, message: string): Refused {
  const isOurs = refused === 'improperly_configured' || refused === 'suspicious_name'
  return isOurs ? { refused, message: message.replace('S3Boto3Storage', 'S3Storage') } : { refused }
}

/** The answer of a call, or how it was refused. */
export async function outcomeOf<T>(call: () => Promise<T> | T): Promise<T | Refused> {
  try {
    return await call()
  } catch (error) {
    return refusalOf(error)
  }
}
