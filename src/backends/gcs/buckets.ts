import type { CallContext } from '../../core/call.ts'
import type { ContainerPage, ContainerStat } from '../../core/container-driver.ts'
import { type ErrorCode, ImproperlyConfigured, StorageError } from '../../core/errors.ts'
import { textOf } from '../../remote/answers.ts'
import { BUCKETS, bucketPage } from '../../remote/bucket-listing.ts'
import {
  type ContainerMethod,
  type ContainerProtocol,
  type ContainerRow,
  containerLimit,
  containerPage,
} from '../../remote/containers.ts'
import { dateOf } from '../../remote/headers.ts'
import type { HttpStatusError } from '../../remote/http-error.ts'
import { ONE_OBJECT } from '../../remote/object-listing.ts'
import { encodeComponent } from '../../remote/sign/encode.ts'
import type { GcsRequest } from './api.ts'
import type { GcsClient } from './client.ts'
import type { GcsCredentials } from './credentials/credentials.ts'
import { aclHeader } from './resource.ts'

/** Options for creating and listing buckets. */
export interface BucketOptions {
  readonly credentials: GcsCredentials
  /** Null = the project of the environment, or of the credentials. */
  readonly projectId: string | null
  /** Name of a predefined ACL. */
  readonly autoCreateAcl: string
}

/** Maximum number of buckets per page. */
const MAX_BUCKETS = 1000

/** The common part of both APIs. */
abstract class GcsBuckets implements ContainerProtocol {
  protected readonly client: GcsClient
  protected readonly options: BucketOptions

  constructor(client: GcsClient, options: BucketOptions) {
    this.client = client
    this.options = options
  }

  /** A 409 means a taken name or a bucket that is not empty. A missing bucket is an error of the settings in other requests. */
  codeOf({ status, serviceCode }: HttpStatusError, method: ContainerMethod): ErrorCode | undefined {
    if (method === 'create') return status === 409 ? 'exists' : undefined
    if (method === 'delete' && status === 409) return 'not_empty'
    return method !== 'list' && status === 404 && serviceCode !== undefined ? 'not_found' : undefined
  }

  abstract create(name: string, ctx: CallContext): Promise<void>
  abstract stat(name: string, ctx: CallContext): Promise<ContainerStat>
  abstract list(page: { readonly token?: string; readonly limit?: number }, ctx: CallContext): Promise<ContainerPage>
  abstract delete(name: string, ctx: CallContext): Promise<void>
}

/** The buckets of a project, with the JSON API. (https://cloud.google.com/storage/docs/json_api/v1/buckets) */
export class JsonBuckets extends GcsBuckets {
  /** Buckets: insert. */
  override async create(name: string, ctx: CallContext): Promise<void> {
    await this.client.json(
      {
        method: 'POST',
        path: '/storage/v1/b',
        query: [
          ['project', await this.#project()],
          ['predefinedAcl', this.options.autoCreateAcl],
        ],
        headers: { 'content-type': 'application/json; charset=UTF-8' },
        body: Buffer.from(JSON.stringify({ name })),
        expected: { statuses: [200], fields: ['name'] },
        conflicts: [409],
        ofBucket: true,
      },
      ctx,
    )
  }

  /** Buckets: get. */
  override async stat(name: string, ctx: CallContext): Promise<ContainerStat> {
    const query = [['fields', 'name,timeCreated']] as const
    const expected = { statuses: [200], fields: ['name'] }
    const { value } = await this.client.json({ ...bucketRequest('GET', pathOf(name)), query, expected }, ctx)
    return { ...rowOf(value), name }
  }

  /** Buckets: list. */
  override async list(
    page: { readonly token?: string; readonly limit?: number },
    ctx: CallContext,
  ): Promise<ContainerPage> {
    const query: Array<[string, string]> = [
      ['project', await this.#project()],
      ['fields', 'kind,items(name,timeCreated),nextPageToken'],
      ['maxResults', String(containerLimit(page, MAX_BUCKETS))],
    ]
    if (page.token !== undefined) query.push(['pageToken', page.token])
    const expected = { statuses: [200], fields: ['kind'] }
    const { value } = await this.client.json({ ...bucketRequest('GET', '/storage/v1/b'), query, expected }, ctx)
    const { kind, items = [], nextPageToken } = value
    if (kind !== 'storage#buckets' || !Array.isArray(items)) {
      throw new StorageError('unavailable', 'The answer is not a listing of buckets.', { outcome: 'not_applied' })
    }
    return containerPage(items.map(rowOf), textOf(nextPageToken))
  }

  /** Buckets: delete. */
  override async delete(name: string, ctx: CallContext): Promise<void> {
    // Emulators answer 200.
    const expected = { statuses: this.client.endpoint.isEmulator ? [204, 200] : [204] }
    await this.client.done({ ...bucketRequest('DELETE', pathOf(name)), expected, conflicts: [404] }, ctx)
  }

  async #project(): Promise<string> {
    const { projectId, credentials } = this.options
    const project = projectId ?? (await credentials.projectId())
    if (project !== undefined) return project
    throw new ImproperlyConfigured('Buckets belong to a project: set projectId (GS_PROJECT_ID).')
  }
}

/**
 * The buckets of a project, with the XML API; without a project, those of the key's default project.
 * (https://cloud.google.com/storage/docs/xml-api/reference-methods)
 */
export class XmlBuckets extends GcsBuckets {
  /** PUT Bucket. */
  override async create(name: string, ctx: CallContext): Promise<void> {
    const headers = { ...this.#projectHeader(), 'x-goog-acl': aclHeader(this.options.autoCreateAcl) }
    const request = { ...bucketRequest('PUT', bucketPath(name)), headers, body: Buffer.alloc(0), conflicts: [409] }
    await this.client.done({ ...request, expected: { statuses: [200] } }, ctx)
  }

  /** Lists one object: unlike that of HEAD, the answer can be checked. */
  override async stat(name: string, ctx: CallContext): Promise<ContainerStat> {
    const expected = { statuses: [200], root: ['ListBucketResult'] }
    await this.client.xml({ ...bucketRequest('GET', bucketPath(name)), query: ONE_OBJECT, expected }, ctx)
    return { name }
  }

  /** GET Service. */
  override async list({ token }: { readonly token?: string }, ctx: CallContext): Promise<ContainerPage> {
    const query: GcsRequest['query'] = token === undefined ? [] : [['continuation-token', token]]
    const request = { ...bucketRequest('GET', '/'), query, headers: this.#projectHeader(), expected: BUCKETS }
    return bucketPage((await this.client.xml(request, ctx)).root)
  }

  /** DELETE Bucket. */
  override async delete(name: string, ctx: CallContext): Promise<void> {
    const request = { ...bucketRequest('DELETE', bucketPath(name)), conflicts: [404] }
    await this.client.done({ ...request, expected: { statuses: [204] } }, ctx)
  }

  #projectHeader(): Record<string, string> {
    const { projectId, credentials } = this.options
    const project = projectId ?? credentials.namedProject
    return project === undefined ? {} : { 'x-goog-project-id': project }
  }
}

/** Creates the storage's own bucket. A bucket of this account that exists is no error. */
export async function createOwn(buckets: ContainerProtocol, name: string, ctx: CallContext): Promise<void> {
  try {
    await buckets.create(name, ctx)
  } catch (error) {
    // A bucket of another account has the same status; the next request is then refused. A lost answer to the creation also has this
    // status.
    if ((error as { status?: unknown }).status !== 409) throw error
  }
}

function bucketRequest<M extends GcsRequest['method']>(
  method: M,
  path: string,
): { method: M; path: string; ofBucket: true } {
  return { method, path, ofBucket: true }
}

function pathOf(name: string): string {
  return `/storage/v1/b/${encodeComponent(name)}`
}

function bucketPath(name: string): string {
  return `/${encodeComponent(name)}`
}

function rowOf(item: unknown): ContainerRow {
  const { name, timeCreated } = { ...(item as Record<string, unknown>) }
  return { name: textOf(name), createdAt: dateOf(textOf(timeCreated)) }
}
