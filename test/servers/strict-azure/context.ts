/** What every operation gets and gives. */
import type { StrictAnswer } from '../strict/answer.ts'
import { document } from '../strict/xml.ts'
import { blobNotFound, containerNotFound } from './errors.ts'
import type { AzureRequest } from './request.ts'
import type { SasToken } from './sas.ts'
import type { Container, ContainerOptions, StoredBlob } from './store.ts'

export type { StrictAnswer as AzureAnswer }

/** A token that the server takes. */
export interface KnownToken {
  readonly token: string
  /** Milliseconds since 1970; default never. */
  readonly until?: number
}

/** Options of the strict server; every one is optional. */
export interface StrictAzureOptions {
  /** Default `strictaccount`. */
  readonly account?: string
  /** Both keys of the account, base64; the first is the one that tests use. */
  readonly accountKeys?: readonly string[]
  /** Bearer tokens that are accepted; default one, `strict-token`. */
  readonly tokens?: readonly KnownToken[]
  /** Default one private container `media`. */
  readonly containers?: readonly (string | ContainerOptions)[]
  /** Host suffixes for host style; default `blob.localhost`. */
  readonly domains?: readonly string[]
  /** The server's clock, milliseconds since 1970; default Date.now. */
  readonly now?: () => number
  /** Newest API version that is known; default 2026-10-06. */
  readonly newestVersion?: string
  /** Most bytes of Put Blob; default 5000 MiB. */
  readonly maxPutSize?: number
  /** Most bytes of a block; default 4000 MiB. */
  readonly maxBlockSize?: number
  /** Most blocks of a blob; default 50,000. */
  readonly maxBlocks?: number
  /** Most bytes of Copy Blob From URL; default 256 MiB. */
  readonly maxSyncCopySize?: number
  /** Most entries per page of a listing; default 5,000. */
  readonly pageSize?: number
  readonly versioning?: boolean
  /** An account with a hierarchical namespace: folders are there, and listed. */
  readonly hierarchical?: boolean
  /** Answer checksums with CRC64; default true. azurite does not. */
  readonly echoCrc64?: boolean
  /** Most seconds a user delegation key is given; default 7 days. */
  readonly maxKeySecs?: number
  /** Names that no delete removes, with 403. */
  readonly undeletable?: readonly string[]
}

/** What a test may change while the server runs. */
export interface Plans {
  /** How Copy Blob goes on: pending for so many questions, and then. */
  copies: { readonly polls: number; readonly end: 'success' | 'failed' | 'aborted' }
  /** Pages without an entry that come before each page with some. */
  emptyPages: number
}

/** The server's state. */
export interface ServerState {
  readonly options: StrictAzureOptions
  readonly account: string
  readonly keys: readonly Buffer[]
  readonly tokens: readonly KnownToken[]
  /** What user delegation keys are made of. */
  readonly delegationSecret: Buffer
  readonly domains: readonly string[]
  readonly containers: Map<string, Container>
  readonly plans: Plans
  now(): number
}

/** Who asks. */
export type Identity =
  | { readonly kind: 'key' | 'token' | 'anonymous' }
  | { readonly kind: 'sas'; readonly sas: SasToken }

/** One request with its rights. */
export interface OperationContext {
  readonly state: ServerState
  readonly request: AzureRequest
  readonly identity: Identity
}

/** An answer in XML. */
export function xmlDocument(root: string, inner: string, headers: Readonly<Record<string, string>> = {}): StrictAnswer {
  return { status: 200, headers: { 'content-type': 'application/xml', ...headers }, body: document(root, inner) }
}

/** The container of a request; 404 ContainerNotFound. */
export function needContainer({ state, request }: OperationContext): Container {
  const container = state.containers.get(request.container)
  if (container === undefined) throw containerNotFound()
  return container
}

/** The blob that a request is about, by version or snapshot where one is named; 404 BlobNotFound. */
export function needBlob(context: OperationContext): { container: Container; blob: StoredBlob } {
  const container = needContainer(context)
  const { key, query } = context.request
  const blob = findBlob(container, key, query)
  if (blob === undefined) throw blobNotFound()
  return { container, blob }
}

/** A blob, or one version or snapshot of it. */
export function findBlob(
  container: Container,
  key: string,
  { snapshot, versionid }: Readonly<Record<string, string | undefined>>,
): StoredBlob | undefined {
  const current = container.blobs.get(key)
  if (snapshot !== undefined) return container.snapshots.get(key)?.find(one => one.snapshot === snapshot)
  if (versionid === undefined || current?.versionId === versionid) return current
  return container.versions.get(key)?.find(one => one.versionId === versionid)
}
