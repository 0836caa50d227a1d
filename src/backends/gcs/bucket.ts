import type { CallContext } from '../../core/call.ts'
import { ImproperlyConfigured } from '../../core/errors.ts'
import type { GcsClient } from './client.ts'
import type { GcsCredentials } from './credentials/credentials.ts'
import { gcsErrorOf } from './errors.ts'

/** How a bucket is created. */
export interface BucketOptions {
  readonly credentials: GcsCredentials
  /** Null = that of the credentials. */
  readonly projectId: string | null
  /** Name of a predefined ACL. */
  readonly autoCreateAcl: string
}

/** Creates the bucket; one that is ours already is fine. (https://cloud.google.com/storage/docs/json_api/v1/buckets/insert) */
export async function createBucket(client: GcsClient, options: BucketOptions, ctx: CallContext): Promise<void> {
  const { credentials, autoCreateAcl } = options
  const project = options.projectId ?? (await credentials.projectId())
  if (project === undefined) {
    throw new ImproperlyConfigured('Creating a bucket needs the project: set projectId (GS_PROJECT_ID).')
  }
  const insert = (query: ReadonlyArray<readonly [string, string]>) =>
    client.json(
      {
        method: 'POST',
        path: '/storage/v1/b',
        query: [['project', project], ...query],
        headers: { 'content-type': 'application/json; charset=UTF-8' },
        body: Buffer.from(JSON.stringify({ name: client.bucketName })),
        expected: { statuses: [200], fields: ['name'] },
      },
      ctx,
    )
  try {
    await insert([['predefinedAcl', autoCreateAcl]])
  } catch (error) {
    if (gcsErrorOf(error)?.status !== 409) throw error
    // Somebody else's bucket has the same status; the request that needed it is refused then.
  }
}
