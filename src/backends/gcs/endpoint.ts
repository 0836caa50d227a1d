import { ImproperlyConfigured } from '../../core/errors.ts'
import { type ServiceEndpoint, serviceEndpoint } from '../../remote/endpoint.ts'
import { notAnId } from '../../remote/resumable.ts'
import { encodeComponent } from '../../remote/sign/encode.ts'
import { objectPath } from './api.ts'
import type { UrlBase } from './sign.ts'

const GOOGLE = 'https://storage.googleapis.com'

/** Where requests go, and whether that is an emulator, which asks for no credentials. */
export interface GcsEndpoint extends ServiceEndpoint {
  readonly isEmulator: boolean
}

/**
 * The service's address: the setting, else `STORAGE_EMULATOR_HOST` in any form that official clients take (`host:port`, a URL, with `/storage/v1` at
 * its end), else Google's.
 */
export function gcsEndpoint(given: string | null, emulatorHost: string | undefined): GcsEndpoint {
  const emulator = given === null ? emulatorHost?.trim() || undefined : undefined
  if (emulator === undefined) return { ...withoutVersion(given ?? GOOGLE, 'GS_ENDPOINT_URL', true), isEmulator: false }
  return { ...withoutVersion(emulator, 'STORAGE_EMULATOR_HOST', false), isEmulator: true }
}

function withoutVersion(text: string, setting: string, useSsl: boolean): ServiceEndpoint {
  const endpoint = serviceEndpoint(text, setting, { useSsl })
  return { ...endpoint, path: endpoint.path.replace(/\/storage\/v1$/, '') }
}

/** Where the bucket's URLs begin: at the service, or at a host that stands for the bucket. */
export function urlBase({ scheme, host, path }: ServiceEndpoint, bucketPath: string, custom: string | null): UrlBase {
  if (custom === null) return { scheme, host, path: `${path}${bucketPath}` }
  return serviceEndpoint(custom, 'GS_CUSTOM_ENDPOINT')
}

/**
 * The target of a session's requests below the endpoint. The service tells a whole URL, whose host may be another one behind a proxy or an emulator in
 * a container: its path is asked for at the endpoint, so that no other host gets a token. `improperly_configured`, with both hosts, for what is no
 * address of a session.
 */
export function sessionTarget(location: string, { scheme, host, path }: ServiceEndpoint): string {
  const given = URL.canParse(location, `${scheme}://${host}`) ? new URL(location, `${scheme}://${host}`) : undefined
  // Of any other scheme the path need not begin with a slash, and would go on with the host.
  const url = given?.protocol === 'https:' || given?.protocol === 'http:' ? given : undefined
  if (url === undefined || !url.searchParams.get('upload_id')) {
    const told = url === undefined ? 'a text that is no URL' : `an address at ${url.host} without an upload_id`
    throw new ImproperlyConfigured(`The upload that was begun at ${host} has ${told}: it is not the service's.`)
  }
  const target = `${url.pathname}${url.search}`
  return path !== '' && target.startsWith(`${path}/`) ? target.slice(path.length) : target
}

/**
 * The target of a session that another process has begun. The text is foreign, and the request may carry a token: it must be the address of a session for this
 * bucket, or for this very object (XML API).
 */
export function savedSession(saved: string, bucket: string, key: string): string {
  const at = saved.indexOf('?')
  const path = saved.slice(0, Math.max(0, at))
  const isBucket = path === `/upload/storage/v1/b/${encodeComponent(bucket)}/o`
  if ((!isBucket && path !== objectPath(bucket, key)) || !/^[\x21-\x7e]+$/.test(saved)) throw notAnId()
  const query = new URLSearchParams(saved.slice(at))
  const type = query.get('uploadType')
  const isSession = /^[\w.~-]+$/.test(query.get('upload_id') ?? '') && (type === null || type === 'resumable')
  if (!isSession || (query.get('name') ?? key) !== key) throw notAnId()
  return saved
}
