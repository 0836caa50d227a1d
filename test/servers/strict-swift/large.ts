/** The bytes of static and dynamic large objects. */
import type { OperationContext } from './context.ts'
import { failed } from './errors.ts'
import { objectAt } from './lookup.ts'
import { decode } from './request.ts'
import { md5, type StoredObject } from './store.ts'

/** The content of an object. */
export interface Resolved {
  readonly bytes: Buffer
  /** Without quotes. */
  readonly etag: string
  /** Whether the ETag comes in quotes, since it is of the segments. */
  readonly isLarge: boolean
}

/** The joined bytes of a large object: 409 where a static one's segment is missing or another one. */
export function largeBytes(context: OperationContext, object: StoredObject): Resolved {
  if (object.slo === undefined) return dynamicBytes(context, object)
  return { bytes: staticBytes(context, object, 0), etag: object.slo.etag, isLarge: true }
}

function staticBytes(context: OperationContext, object: StoredObject, depth: number): Buffer {
  if (depth > 10) throw failed(409, 'too deep')
  const parts = (object.slo?.segments ?? []).map(segment => {
    const found = objectAt(context, segment.name)
    if (found === undefined) throw failed(409, `segment ${segment.name} is missing`)
    const etag = found.slo?.etag ?? found.etag
    const whole = found.slo === undefined ? found.bytes : staticBytes(context, found, depth + 1)
    if (etag !== segment.hash || whole.length !== segment.bytes)
      throw failed(409, `segment ${segment.name} has changed`)
    const [first = 0, last = whole.length - 1] = segment.range?.split('-').map(Number) ?? []
    return whole.subarray(first, last + 1)
  })
  return Buffer.concat(parts)
}

function dynamicBytes(context: OperationContext, object: StoredObject): Resolved {
  const [container = '', ...rest] = decode(object.manifest ?? '').split('/')
  const found = context.state.accounts.get(context.request.account)?.containers.get(container)
  if (found === undefined) throw failed(404)
  const prefix = rest.join('/')
  const segments = found
    .listed()
    .filter(name => name.startsWith(prefix))
    .map(name => objectAt(context, `${container}/${name}`))
  if (segments.includes(undefined)) throw failed(409)
  const all = segments as StoredObject[]
  const etag = md5(all.map(one => one.etag).join(''))
  return { bytes: Buffer.concat(all.map(one => one.bytes)), etag, isLarge: true }
}
