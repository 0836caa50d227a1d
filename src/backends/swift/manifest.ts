import type { IncomingHttpHeaders } from 'node:http'
import { StorageError } from '../../core/errors.ts'
import { jsonOf, textOf } from '../../remote/answers.ts'
import { headerTextOf } from '../../remote/headers.ts'

/** A segment in a manifest, with its known fields. */
export interface ManifestEntry {
  /** `/container/name`, not encoded. */
  readonly path: string
  readonly etag: string | undefined
  readonly size: number | undefined
}

/**
 * The segments in the manifest of a static large object. Code `unavailable` if any row has no path: a segment in use must not count as
 * unused.
 */
export function entriesIn(text: string, key: string): readonly ManifestEntry[] {
  const rows = jsonOf(text)
  const entries = (Array.isArray(rows) ? rows : []).map(entryOf)
  if (entries.length > 0 && entries.every((entry): entry is ManifestEntry => entry.path !== undefined)) return entries
  throw new StorageError('unavailable', `The manifest of '${key}' cannot be read.`, { outcome: 'unknown' })
}

/** The prefix in the manifest of a dynamic large object; undefined if the header cannot be parsed. */
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

/**
 * A row of a manifest as Swift returns it, or as it was uploaded, which Ceph's gateway returns. A field that cannot be parsed is undefined.
 */
function entryOf(row: unknown): Omit<ManifestEntry, 'path'> & { readonly path: string | undefined } {
  const fields = (typeof row === 'object' && row !== null ? row : {}) as Record<string, unknown>
  const { name = fields['path'], hash = fields['etag'], bytes = fields['size_bytes'] } = fields
  return {
    path: textOf(name),
    etag: textOf(hash),
    size: typeof bytes === 'number' ? bytes : undefined,
  }
}
