/** Which operation a request asks for. */
import { type BatchRoutes, blobBatch } from './batch.ts'
import * as blobs from './blobs.ts'
import * as blocks from './blocks.ts'
import * as containers from './containers.ts'
import type { AzureAnswer, OperationContext } from './context.ts'
import * as copy from './copy.ts'
import { AzureError } from './errors.ts'
import * as extras from './extras.ts'
import { listBlobs } from './listing.ts'
import type { AzureRequest } from './request.ts'

const routes: BatchRoutes = { operation: operationName, run: runOperation }

const operations: Readonly<Record<string, (context: OperationContext) => AzureAnswer>> = {
  ListContainers: containers.listContainers,
  GetAccountInformation: containers.accountInformation,
  GetUserDelegationKey: containers.userDelegationKey,
  BlobBatch: context => blobBatch(context, routes),
  ContainerBatch: context => blobBatch(context, routes),
  CreateContainer: containers.createContainer,
  DeleteContainer: containers.deleteContainer,
  GetContainerProperties: containers.getContainerProperties,
  ListBlobs: listBlobs,
  PutBlob: blobs.putBlob,
  GetBlob: blobs.getBlob,
  GetBlobProperties: blobs.getProperties,
  DeleteBlob: blobs.deleteBlob,
  PutBlock: blocks.putBlock,
  PutBlockList: blocks.putBlockList,
  GetBlockList: blocks.getBlockList,
  CopyBlob: copy.copyBlob,
  CopyBlobFromURL: copy.copyFromUrl,
  PutBlobFromURL: copy.putBlobFromUrl,
  PutBlockFromURL: copy.putBlockFromUrl,
  AbortCopyBlob: copy.abortCopy,
  GetBlobMetadata: extras.getMetadata,
  SetBlobMetadata: extras.setMetadata,
  SetBlobProperties: extras.setProperties,
  SetBlobTier: extras.setTier,
  GetBlobTags: extras.getTags,
  SetBlobTags: extras.setTags,
  SnapshotBlob: extras.snapshotBlob,
  LeaseBlob: extras.leaseBlob,
}

const BY_COMP: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  blocklist: { PUT: 'PutBlockList', GET: 'GetBlockList' },
  metadata: { PUT: 'SetBlobMetadata', GET: 'GetBlobMetadata', HEAD: 'GetBlobMetadata' },
  properties: { PUT: 'SetBlobProperties' },
  tier: { PUT: 'SetBlobTier' },
  tags: { PUT: 'SetBlobTags', GET: 'GetBlobTags' },
  snapshot: { PUT: 'SnapshotBlob' },
  lease: { PUT: 'LeaseBlob' },
  copy: { PUT: 'AbortCopyBlob' },
}

const ACCOUNT: Readonly<Record<string, string>> = {
  'GET list': 'ListContainers',
  'POST batch': 'BlobBatch',
  'POST userdelegationkey': 'GetUserDelegationKey',
  'GET properties': 'GetAccountInformation',
  'HEAD properties': 'GetAccountInformation',
}

function containerOperation({ method, query }: AzureRequest): string {
  if (query['restype'] !== 'container') return 'Unknown'
  const { comp } = query
  if (comp === 'list') return method === 'GET' ? 'ListBlobs' : 'Unknown'
  if (comp === 'batch') return method === 'POST' ? 'ContainerBatch' : 'Unknown'
  if (comp !== undefined) return 'Unknown'
  const names: Readonly<Record<string, string>> = { PUT: 'CreateContainer', DELETE: 'DeleteContainer' }
  return names[method] ?? (method === 'GET' || method === 'HEAD' ? 'GetContainerProperties' : 'Unknown')
}

function blobOperation({ method, query, headers }: AzureRequest): string {
  const { comp } = query
  const hasSource = headers['x-ms-copy-source'] !== undefined
  if (comp === 'block') return method !== 'PUT' ? 'Unknown' : hasSource ? 'PutBlockFromURL' : 'PutBlock'
  if (comp !== undefined) return BY_COMP[comp]?.[method] ?? 'Unknown'
  const plain: Readonly<Record<string, string>> = { GET: 'GetBlob', HEAD: 'GetBlobProperties', DELETE: 'DeleteBlob' }
  if (method !== 'PUT') return plain[method] ?? 'Unknown'
  if (!hasSource) return 'PutBlob'
  if (headers['x-ms-blob-type'] !== undefined) return 'PutBlobFromURL'
  return headers['x-ms-requires-sync']?.toLowerCase() === 'true' ? 'CopyBlobFromURL' : 'CopyBlob'
}

/** The operation's name in the REST reference, or 'Unknown'. */
export function operationName(request: AzureRequest): string {
  const { container, key, method, query } = request
  if (container === '') return ACCOUNT[`${method} ${query['comp']}`] ?? 'Unknown'
  return key === '' ? containerOperation(request) : blobOperation(request)
}

/** Runs an operation; 400 for an unknown one. */
export function runOperation(name: string, context: OperationContext): AzureAnswer {
  const operation = operations[name]
  if (operation !== undefined) return operation(context)
  throw new AzureError(405, 'UnsupportedHttpVerb', "The resource doesn't support specified Http Verb.")
}
