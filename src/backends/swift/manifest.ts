import type { IncomingHttpHeaders } from 'node:http'
import { StorageError } from '../../core/errors.ts'
import { jsonOf, textOf } from '../../remote/answers.ts'
import { headerTextOf } from '../../remote/headers.ts'

/** A segment in a manifest, as far as it is known. */
export interface ManifestEntry {
  /** `/container/name`, not encoded. */
  readonly path: string
  readonly etag: string | undefined
  readonly size: number | undefined
}

/** The segments in the manifest of a static large object. A segment in use must not be taken for an unused one: code `unavailable` where any row has no path. */
export function entriesIn(text: string, key: string): readonly ManifestEntry[] {
  const rows = jsonOf(text)
  const entries = (Array.isArray(rows) ? rows : []).map(entryOf)
  if (entries.length > 0 && entries.every((entry): entry is ManifestEntry => entry.path !== undefined)) return entries
  throw new StorageError('unavailable', `The manifest of '${key}' cannot be read.`, { outcome: 'unknown' })
}

/** The place that the manifest of a dynamic large object names; undefined where the header cannot be read. */
export function manifestPrefix(
  headers: IncomingHttpHeaders,
): { readonly container: string; readonly prefix: string } | undefined {
  const text = headerTextOf(headers['x-object-manifest'])
  const slash = text?.indexOf('/') ?? -1
  if (text === undefined || slash < 1) return undefined
  try {
    return { container: decodeURIComponent(text.slice(0, slash)), prefix: decodeURIComponent(text.slice(slash + 1)) }
  } catch {
    return undefined
  }
}

/** A row of a manifest as Swift shows it, or as it was uploaded, which is what Ceph's gateway shows; a field that cannot be read is undefined. */
function entryOf(row: unknown): Omit<ManifestEntry, 'path'> & { readonly path: string | undefined } {
  const fields = (typeof row === 'object' && row !== null ? row : {}) as Record<string, unknown>
  const { name = fields['path'], hash = fields['etag'], bytes = fields['size_bytes'] } = fields
  return {
    path: textOf(name),
    etag: textOf(hash),
    size: typeof bytes === 'number' ? bytes : undefined,
  }
}
