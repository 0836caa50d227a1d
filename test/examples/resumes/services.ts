/** The clouds that the application is switched to by environment variables. */
import { startStrictAzure } from '../../servers/strict-azure.ts'
import { startStrictGcs } from '../../servers/strict-gcs.ts'
import { startStrictS3 } from '../../servers/strict-s3.ts'

/** A service, the environment that leads to it, and the names of the files that it has. */
export interface Service {
  readonly env: Readonly<Record<string, string>>
  names(): string[]
  close(): Promise<void>
}

/** Services by what they are called; each is a strict server with an empty container. */
export const SERVICES: Readonly<Record<string, () => Promise<Service>>> = {
  async S3() {
    const server = await startStrictS3()
    const env = {
      DEFAULT_FILE_STORAGE: 's3',
      AWS_STORAGE_BUCKET_NAME: 'media',
      AWS_S3_REGION_NAME: server.region,
      AWS_S3_ENDPOINT_URL: server.url,
      AWS_S3_ACCESS_KEY_ID: server.credentials.accessKeyId,
      AWS_S3_SECRET_ACCESS_KEY: server.credentials.secretAccessKey,
    }
    return { env, names: () => [...server.bucket().objects.keys()], close: () => server.close() }
  },
  async Azure() {
    const server = await startStrictAzure()
    const env = {
      DEFAULT_FILE_STORAGE: 'storages.backends.azure_storage.AzureStorage',
      AZURE_CONNECTION_STRING: server.connectionString,
      AZURE_CONTAINER: 'media',
    }
    return { env, names: () => [...server.container().blobs.keys()], close: () => server.close() }
  },
  async GCS() {
    const server = await startStrictGcs()
    const env = {
      STORAGES: JSON.stringify({ default: { BACKEND: 'gcs', OPTIONS: { bucketName: 'media' } } }),
      GS_CREDENTIALS: JSON.stringify(server.keyFile()),
      GS_ENDPOINT_URL: server.url,
    }
    return { env, names: () => [...server.bucket().objects.keys()], close: () => server.close() }
  },
}
