import type { IncomingHttpHeaders } from 'node:http'
import type { Stat, WriteOptions } from '../../core/driver.ts'
import { addAttributes } from '../../remote/attribute-headers.ts'
import { objectChecksums } from '../../remote/checksums.ts'
import { type HeaderStat, headerTextOf, sizedStat, statOfHeaders } from '../../remote/headers.ts'
import { addParameters, METADATA_PREFIX, type ParameterUse } from './settings/object-parameters.ts'

type Parameters = Readonly<Record<string, unknown>>

/** The headers of an upload: the storage's parameters, overridden by the call's own attributes and `extra`. */
export function writeHeaders(parameters: Parameters, options: WriteOptions): Record<string, string> {
  const headers: Record<string, string> = {}
  addParameters(headers, parameters, 'write')
  addAttributes(headers, options, METADATA_PREFIX)
  if (options.extra !== undefined) addParameters(headers, options.extra, 'write')
  return headers
}

/** The headers of a request other than an upload, from the same parameters. */
export function otherHeaders(
  use: Exclude<ParameterUse, 'write'>,
  ...sources: ReadonlyArray<Parameters | undefined>
): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const parameters of sources) if (parameters !== undefined) addParameters(headers, parameters, use)
  return headers
}

/** Parses the headers of a HEAD or GET answer. The size is that of the whole object, also in the answer to a range. */
export function headerStatOf(headers: IncomingHttpHeaders): HeaderStat {
  const stat = statOfHeaders(headers, METADATA_PREFIX)
  return {
    ...stat,
    contentEncoding: plainEncoding(stat.contentEncoding),
    versionId: headerTextOf(headers['x-amz-version-id']),
    storageClass: headerTextOf(headers['x-amz-storage-class']),
    checksums: objectChecksums(headers),
  }
}

/** The same as a `Stat`. Code `unavailable` if the answer does not contain the size. */
export function statOf(headers: IncomingHttpHeaders): Stat {
  return sizedStat(headerStatOf(headers))
}

function plainEncoding(encoding: string | undefined): string | undefined {
  const kept = encoding
    ?.split(',')
    .map(name => name.trim())
    .filter(name => name !== '' && name !== 'aws-chunked')
    .join(', ')
  return kept || undefined
}
