import { Readable } from 'node:stream'
import { bodySize, type HttpRequest } from '../../http/request.ts'
import { hashOf } from '../../remote/checksums.ts'
import { encodeKey } from '../../remote/sign/encode.ts'
import { encodeQuery, type Query, type SigningCredentials } from '../../remote/sign/query.ts'
import { presignV2, signV2 } from '../../remote/sign/v2.ts'
import { EMPTY_PAYLOAD_HASH, presignV4, signV4, UNSIGNED_PAYLOAD } from '../../remote/sign/v4.ts'
import type { S3Request } from './operations.ts'
import type { Place } from './place.ts'

/** How requests are signed. */
export interface SignerOptions {
  readonly signatureVersion: 's3v4' | 's3' | 'unsigned'
  /** Whether signatures of version 4 cover the bytes of bodies. Default: `auto`. */
  readonly payloadSigning?: 'auto' | 'always' | 'never' | undefined
  /** This machine's clock. */
  readonly now?: (() => Date) | undefined
}

/** The request of a signed URL. */
export interface PresignRequest {
  readonly method: string
  readonly key: string
  readonly query: Query
  readonly headers: Readonly<Record<string, string>>
  /** Seconds. */
  readonly expiresInSecs: number
}

/** Maximum size in bytes of a body that `auto` always covers. */
const MAX_HASHED = 1_048_576

/** Addresses and signs requests and URLs. */
export class Signer {
  readonly #options: SignerOptions

  constructor(options: SignerOptions) {
    this.#options = options
  }

  /** The signed request; without credentials it is unsigned. */
  sign(request: S3Request, place: Place, credentials: SigningCredentials | null): HttpRequest {
    const { method, query, body } = request
    const { origin, host, pathPrefix, resourcePrefix } = place.address
    const encoded = request.key === undefined ? '' : `/${encodeKey(request.key)}`
    const path = pathPrefix + encoded || '/'
    const headers: Record<string, string> = { ...request.headers, host }
    if (credentials !== null) {
      const signable = { method, path, query, headers }
      const now = place.timeOf(this.now())
      if (this.#options.signatureVersion === 's3') {
        Object.assign(headers, signV2(signable, credentials, { now, resource: resourcePrefix + encoded }))
      } else {
        const payloadHash = this.#payloadHash(body, place)
        Object.assign(headers, signV4(signable, credentials, { now, region: place.region, payloadHash }))
      }
    }
    if (body !== undefined && !(body instanceof Readable)) headers['content-length'] ??= String(bodySize(body))
    return { method, url: `${origin}${path}${queryPart(query)}`, headers, body }
  }

  /** A URL that contains its own signature. */
  presign(request: PresignRequest, place: Place, credentials: SigningCredentials | null): string {
    const { origin, host, pathPrefix, resourcePrefix } = place.address
    const { method, query, expiresInSecs } = request
    const encoded = encodeKey(request.key)
    const path = `${pathPrefix}/${encoded}`
    if (credentials === null) return `${origin}${path}${queryPart(query)}`
    const signable = { method, path, query, headers: { ...request.headers, host } }
    const now = place.timeOf(this.now())
    const { region } = place
    const signed =
      this.#options.signatureVersion === 's3'
        ? presignV2(signable, credentials, { now, expiresInSecs, resource: `${resourcePrefix}/${encoded}` })
        : presignV4(signable, credentials, { now, expiresInSecs, region, signableHeaders: ['content-type'] })
    return `${origin}${path}?${signed}`
  }

  /** The time of this machine. */
  now(): Date {
    return this.#options.now?.() ?? new Date()
  }

  /** Large bodies over TLS are protected by TLS and their checksum; the signature covers all others. */
  #payloadHash(body: S3Request['body'], place: Place): string {
    if (body === undefined) return EMPTY_PAYLOAD_HASH
    if (body instanceof Readable) return UNSIGNED_PAYLOAD
    const { payloadSigning = 'auto' } = this.#options
    const leftToTls = bodySize(body) > MAX_HASHED && place.address.origin.startsWith('https:')
    if (payloadSigning === 'never' || (payloadSigning === 'auto' && leftToTls)) return UNSIGNED_PAYLOAD
    return hashOf('sha256', body, 'hex')
  }
}

function queryPart(query: Query | undefined): string {
  if (query === undefined || query.length === 0) return ''
  return `?${encodeQuery(query)}`
}
