/** `/info`: what the cluster can do, and its limits. */
import { jsonAnswer, type StrictAnswer } from '../strict/answer.ts'
import type { OperationContext } from './context.ts'
import { failed } from './errors.ts'

/** `GET /info`; nobody is asked for a token. */
export function info({ state }: OperationContext): StrictAnswer {
  const { limits, features, digests } = state
  if (!features.info) throw failed(403)
  return jsonAnswer({
    swift: {
      version: '2.30.1',
      policies: [{ name: 'Policy-0', default: true, aliases: 'Policy-0' }],
      max_file_size: limits.maxFileSize,
      max_object_name_length: limits.maxObjectName,
      max_container_name_length: limits.maxContainerName,
      container_listing_limit: limits.listingLimit,
      account_listing_limit: limits.listingLimit,
      max_meta_name_length: 128,
      max_meta_value_length: 256,
      max_meta_count: 90,
      max_meta_overall_size: 4096,
      max_header_size: 8192,
      strict_cors_mode: true,
      account_autocreate: true,
    },
    tempauth: { account_acls: true },
    ...(features.slo
      ? {
          slo: {
            max_manifest_segments: limits.maxManifestSegments,
            max_manifest_size: limits.maxManifestSize,
            min_segment_size: limits.minSegmentSize,
            yield_frequency: 10,
            allow_async_delete: false,
          },
        }
      : {}),
    ...(features.dlo ? { dlo: { max_segments: 1 } } : {}),
    ...(features.bulk
      ? {
          bulk_delete: {
            max_deletes_per_request: limits.maxDeletes,
            max_failed_deletes: limits.maxFailedDeletes,
          },
        }
      : {}),
    ...(features.tempurl
      ? {
          tempurl: {
            methods: ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'],
            allowed_digests: digests,
            incoming_remove_headers: ['x-timestamp'],
            incoming_allow_headers: [],
            outgoing_remove_headers: ['x-object-meta-*'],
            outgoing_allow_headers: ['x-object-meta-public-*'],
          },
        }
      : {}),
  })
}
