import { ImproperlyConfigured } from '../../core/errors.ts'
import { type ServiceEndpoint, serviceEndpoint } from '../../remote/endpoint.ts'
import { notAnId } from '../../remote/resumable.ts'
import { encodeComponent } from '../../remote/sign/encode.ts'
import { objectPath } from './api.ts'
import type { UrlBase } from './sign.ts'

const GOOGLE = 'https://storage.googleapis.com'

/** The address of requests, and whether it is an emulator, which needs no credentials. */
export interface GcsEndpoint extends ServiceEndpoint {
  readonly isEmulator: boolean
}

/**
 * The service's address: the setting, else `STORAGE_EMULATOR_HOST` in any form that official clients accept (`host:port`, a URL, with
 * `/storage/v1` at its end), else Google's.
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

/** The base of the bucket's URLs: at the service, or at a host that replaces the bucket's address. */
export function urlBase({ scheme, host, path }: ServiceEndpoint, bucketPath: string, custom: string | null): UrlBase {
  if (custom === null) return { scheme, host, path: `${path}${bucketPath}` }
  return serviceEndpoint(custom, 'GS_CUSTOM_ENDPOINT')
}

/**
 * The target of a session's requests below the endpoint. The service returns a whole URL. Its host may differ with a proxy or an emulator
 * in a container. Only its path is used, at the endpoint, so that no other host receives a token. Code `improperly_configured`, with both
 * hosts, for a text that is not the address of a session.
 */
export function sessionTarget(location: string, { scheme, host, path }: ServiceEndpoint): string {
  const given = URL.canParse(location, `${scheme}://${host}`) ? new URL(location, `${scheme}://${host}`) : undefined
  // With any other scheme the path might not begin with a slash, and would become part of the host.
  const url = given?.protocol === 'https:' || given?.protocol === 'http:' ? given : undefined
  if (url === undefined || !url.searchParams.get('upload_id')) {
    const told = url === undefined ? 'a text that is not a URL' : `an address at ${url.host} without an upload_id`
    throw new ImproperlyConfigured(
      `The upload at ${host} has ${told} as its address: this is not an address of the service.`,
    )
  }
  const target = `${url.pathname}${url.search}`
  return path !== '' && target.startsWith(`${path}/`) ? target.slice(path.length) : target
}

/**
 * The target of a session that another process began. The text is untrusted, and the request may carry a token: it must be the address of a
 * session for this bucket, or for this very object (XML API).
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
