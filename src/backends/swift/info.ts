import type { CallContext } from '../../core/call.ts'
import { isStorageError } from '../../core/errors.ts'
import { Once } from '../../core/once.ts'
import type { SwiftClient } from './client.ts'
import { swiftErrorOf } from './errors.ts'

/** Digests of TempURLs. */
export type TempUrlDigest = 'sha1' | 'sha256' | 'sha512'

/** The cluster's own information. (https://docs.openstack.org/api-ref/object-store/#discoverability) */
export interface SwiftInfo {
  /** Whether the cluster reported anything. */
  readonly isKnown: boolean
  /** Maximum size in bytes of an object without segments. */
  readonly maxFileSize: number
  /** Maximum number of rows of a listing; undefined if it is not reported. */
  readonly listingLimit: number | undefined
  /** Static large objects; undefined if they are not supported. */
  readonly slo: { readonly maxSegments: number; readonly minSegmentSize: number } | undefined
  /** Maximum number of names per bulk deletion; undefined if it is not supported, or if nothing is known. */
  readonly bulkDeletes: number | undefined
  /** Digests that TempURLs may use; undefined if they are not reported. */
  readonly digests: readonly TempUrlDigest[] | undefined
}

const GIB = 1024 ** 3
/** Swift's own limits (swift.common.constraints). */
const MAX_FILE_SIZE = 5 * GIB + 2
const MAX_SEGMENTS = 1000
const MAX_MANIFEST_SIZE = 8 * 1024 ** 2
/** Maximum number of bytes of a segment's entry in a manifest. */
const ENTRY_BYTES = 512
const MAX_DELETES = 10_000
/** Maximum number of names per bulk deletion, even if the cluster allows more: the answer comes only when all are deleted. */
const DELETES_AT_ONCE = 1000
/** Statuses that mean that a cluster, or a proxy, does not report its information. */
const SILENT: ReadonlySet<number> = new Set([400, 401, 403, 404, 405, 410, 501])

const NOTHING: SwiftInfo = {
  isKnown: false,
  maxFileSize: MAX_FILE_SIZE,
  listingLimit: undefined,
  slo: undefined,
  bulkDeletes: undefined,
  digests: undefined,
}

/** The information of a client's cluster, requested once. */
export class ClusterInfo {
  readonly #client: SwiftClient
  readonly #told: Once<SwiftInfo> = new Once()

  constructor(client: SwiftClient) {
    this.#client = client
  }

  /** The information that is known without a request. */
  get known(): SwiftInfo {
    return this.#told.value ?? NOTHING
  }

  /** Sends the request at first use. A cluster that reports no information has Swift's own limits, and no static large objects. */
  async get(ctx: CallContext): Promise<SwiftInfo> {
    const { value } = this.#told
    if (value !== undefined) return value
    try {
      return await this.#told.get(ctx, shared => this.#ask({ ...ctx, ...shared }))
    } catch (error) {
      // An HTML page instead of the document; the next call tries again.
      if (isStorageError(error, 'unavailable') && error.status === 200) return NOTHING
      throw error
    }
  }

  #ask(ctx: CallContext): Promise<SwiftInfo> {
    return ctx.step('info', true, async step => {
      try {
        const expected = { statuses: [200] }
        const { value } = await this.#client.json<Record<string, unknown>>(
          { method: 'GET', place: { info: true }, expected },
          step,
        )
        return infoOf(value)
      } catch (error) {
        if (SILENT.has(swiftErrorOf(error)?.status ?? 0)) return NOTHING
        throw error
      }
    })
  }
}

/** The information in a document; a limit that cannot be parsed is Swift's own. */
export function infoOf(document: Readonly<Record<string, unknown>>): SwiftInfo {
  const [swift, slo, bulk, tempUrl] = ['swift', 'slo', 'bulk_delete', 'tempurl'].map(name => recordIn(document, name))
  const deletes = bulk && countIn(bulk, 'max_deletes_per_request', MAX_DELETES)
  return {
    isKnown: swift !== undefined || slo !== undefined || tempUrl !== undefined,
    maxFileSize: countIn(swift, 'max_file_size', MAX_FILE_SIZE),
    listingLimit: swift && (countIn(swift, 'container_listing_limit', 0) || undefined),
    slo: slo && {
      maxSegments: Math.min(
        countIn(slo, 'max_manifest_segments', MAX_SEGMENTS),
        Math.max(1, Math.floor(countIn(slo, 'max_manifest_size', MAX_MANIFEST_SIZE) / ENTRY_BYTES)),
      ),
      minSegmentSize: countIn(slo, 'min_segment_size', 1),
    },
    bulkDeletes: deletes && Math.min(deletes, DELETES_AT_ONCE),
    digests: tempUrl && digestsIn(tempUrl['allowed_digests']),
  }
}

/** A cluster with TempURLs that lists no digests is so old that it supports only SHA-1. */
function digestsIn(value: unknown): TempUrlDigest[] {
  if (!Array.isArray(value)) return ['sha1']
  return (['sha1', 'sha256', 'sha512'] as const).filter(digest => value.includes(digest))
}

function recordIn(document: Readonly<Record<string, unknown>>, name: string): Record<string, unknown> | undefined {
  const value = Object.hasOwn(document, name) ? document[name] : undefined
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
}

function countIn(record: Record<string, unknown> | undefined, name: string, otherwise: number): number {
  const value = record?.[name]
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : otherwise
}
