import { ATTRIBUTES, givenAttributes } from '../../core/attributes.ts'
import type { CallContext } from '../../core/call.ts'
import type { WriteOptions } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { etagOf, headerTextOf } from '../../remote/headers.ts'
import type { PartPlan } from '../../remote/part-plan.ts'
import { copyInRanges } from '../../remote/part-upload.ts'
import { CHANGED, encodedPath, type Headers, OBJECT, STORED } from './api.ts'
import { EMPTY, type SwiftClient } from './client.ts'
import { classifySwift } from './errors.ts'
import { addExtra, addFileAttributes, kindOf, md5In, statOf, withAbsoluteEnd } from './headers.ts'
import type { SwiftParts, SwiftTarget } from './parts.ts'
import type { Found, Segments } from './segments.ts'
import { unlike } from './verification.ts'

/** One copy within the container. */
export interface Copy {
  readonly from: string
  readonly to: string
  readonly options: WriteOptions
}

/** The objects that a copy needs. */
export interface CopyTools {
  readonly client: SwiftClient
  readonly parts: SwiftParts
  readonly plan: PartPlan
  readonly container: string
  /** Maximum size in bytes of a copy with one request. */
  readonly most: number
}

/** Headers of an object that a change of its metadata removes unless they are sent again, besides attributes and user metadata. */
const KEPT = ['x-delete-at', 'x-object-manifest', 'expires', 'x-robots-tag'] as const
/** The headers among these that belong to the object itself and not to copies. */
const OWN: ReadonlySet<string> = new Set(['x-object-manifest'])

/**
 * Copies on the server, never only a manifest: a plain object, or the content of a large one, with one request up to `most` bytes, and
 * beyond that in segments of its own. Attributes that are not set come from the source.
 */
export async function copyObject(
  tools: CopyTools,
  source: Found,
  copy: Copy,
  target: SwiftTarget,
  ctx: CallContext,
): Promise<void> {
  const { from, options } = copy
  const stat = statOf(source.headers)
  if (stat.isDirectory === true) throw new StorageError('is_directory', `'${from}' is a directory.`)
  const named = sourceHeaders(tools.container, from, source)
  if (stat.size <= tools.most) {
    await copyWhole(tools, source, copy, { ...changeHeaders(source, options), ...named }, target, ctx)
    return
  }
  const whole = { ...target, headers: allHeaders(source, options, false) }
  const copyPart: Parameters<typeof copyInRanges<Upload, Part, SwiftTarget>>[3] = (upload, range, step) =>
    tools.parts.copyPart(upload, range, named, step)
  await copyInRanges(tools.parts, whole, stat, copyPart, tools.plan, ctx)
}

type Upload = Parameters<SwiftParts['copyPart']>[0]
type Part = Awaited<ReturnType<SwiftParts['copyPart']>>

/**
 * Replaces the metadata of an object with POST, which removes everything that is not sent, so all metadata to keep is also sent. A new
 * expiry time is also set for its own segments, which never expire before it.
 */
export async function changeObject(
  { client, container }: Pick<CopyTools, 'client' | 'container'>,
  segments: Segments,
  found: Found,
  { to, options }: Copy,
  ctx: CallContext,
): Promise<void> {
  const headers = withAbsoluteEnd(allHeaders(found, options, true))
  const end = headers['x-delete-at']
  const old = headerTextOf(found.headers['x-delete-at'])
  const isLater = Number(end) > Number(old)
  if (end !== undefined && isLater) await segments.setEnd(found.own, end, ctx)
  const place = { container, key: to }
  await client.done({ method: 'POST', place, headers, body: EMPTY, expected: CHANGED }, ctx)
  if (end !== undefined && end !== old && !isLater) await segments.setEnd(found.own, end, ctx)
}

/** PUT with `X-Copy-From`. */
async function copyWhole(
  { client, container }: CopyTools,
  source: Found,
  { to }: Copy,
  headers: Headers,
  { replaced }: SwiftTarget,
  ctx: CallContext,
): Promise<void> {
  await replaced.look(ctx)
  const place = { container, key: to }
  const answer = await ctx.step('copyObject', true, step =>
    client.done({ method: 'PUT', place, headers, body: EMPTY, expected: STORED, seeks: true }, step),
  )
  const md5 = md5In(source.headers)
  if (md5 !== undefined && etagOf(answer.etag) === md5) return
  // The content of a large object has its own ETag, so its size is compared instead; the same applies to an object whose answer had another
  // ETag.
  const made = await ctx
    .step('verify', true, step => client.done({ method: 'HEAD', place, expected: OBJECT }, step))
    .catch(error => {
      if (classifySwift(error) === 'not_found') throw unlike('not_applied')
      throw error
    })
  const isLike = md5 === undefined ? statOf(made).size === statOf(source.headers).size : md5In(made) === md5
  if (!isLike) throw unlike('unknown')
}

/** Headers that identify the source and fix its version. */
function sourceHeaders(container: string, from: string, { headers }: Found): Headers {
  const etag = etagOf(headers.etag)
  const pin = etag === undefined || etag.startsWith('W/') ? undefined : { 'if-match': `"${etag}"` }
  return { 'x-copy-from': `/${encodedPath(container, from)}`, ...pin }
}

/** Headers that a copy with one request changes: Swift keeps the rest, unless new user metadata is set. */
function changeHeaders(source: Found, options: WriteOptions): Headers {
  if (options.metadata !== undefined) {
    return { ...allHeaders(source, options, false), 'x-fresh-metadata': 'true' }
  }
  const headers: Record<string, string> = {}
  addFileAttributes(headers, options)
  addExtra(headers, options.extra)
  return headers
}

/** All headers of the object: those of the source, with the changes of the options. */
export function allHeaders(
  { headers: told }: Pick<Found, 'headers'>,
  options: WriteOptions,
  isItself: boolean,
): Headers {
  const headers: Record<string, string> = {}
  for (const name of KEPT) {
    const value = headerTextOf(told[name])
    if (value !== undefined && (isItself || !OWN.has(name))) headers[name] = value
  }
  const { contentType, contentEncoding, contentDisposition, contentLanguage, cacheControl, metadata } = statOf(told)
  const kept = { contentType, contentEncoding, contentDisposition, contentLanguage, cacheControl, metadata }
  addFileAttributes(headers, { ...kept, ...givenAttributes(options) })
  addExtra(headers, options.extra)
  return headers
}

/** Whether options do not change an object. */
export function changesNothing({ extra, ...options }: WriteOptions): boolean {
  return extra === undefined && ATTRIBUTES.every(name => options[name] === undefined)
}

/** Whether an object is a large object. */
export function isLarge({ headers }: Found): boolean {
  return kindOf(headers) !== 'plain'
}
