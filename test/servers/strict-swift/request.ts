/** One request as the strict Swift server sees it. */
import type { IncomingMessage } from 'node:http'
import { readRequest, type StrictRequest } from '../strict/request.ts'
import { complaint, type ErrorStyle, failed } from './errors.ts'

/** The service that a request is for. */
export type Api = 'storage' | 'cdn' | 'cdnFile' | 'v1' | 'v1.1' | 'v2' | 'v3' | 'versions' | 'info' | 'health' | 'none'

/** A parsed request. */
export interface SwiftRequest extends StrictRequest {
  readonly api: Api
  /** Decoded; empty where there is none. */
  readonly account: string
  readonly container: string
  /** The object's name. */
  readonly key: string
  /** The decoded path, which TempURLs sign. */
  readonly path: string
  readonly message: IncomingMessage
}

/** Decodes %XX once; refuses what is no UTF-8. */
export function decode(text: string): string {
  let decoded: string
  try {
    decoded = decodeURIComponent(text)
  } catch {
    throw failed(412, 'Invalid UTF8 or contains NULL')
  }
  if (decoded.includes('\0')) throw failed(412, 'Invalid UTF8 or contains NULL')
  return decoded
}

function identityApi(rawPath: string): Api | undefined {
  if (/^\/(auth\/)?v1\.0\/?$/.test(rawPath)) return 'v1'
  if (/^\/(auth\/)?v1\/?$/.test(rawPath)) return 'v1'
  if (rawPath === '/v1.1/auth' || rawPath === '/v1.1/auth/') return 'v1.1'
  if (rawPath === '/v2.0/tokens') return 'v2'
  if (rawPath === '/v3/auth/tokens') return 'v3'
  if (/^\/(v3\/?|v2\.0\/?)?$/.test(rawPath)) return 'versions'
  return undefined
}

interface Address {
  readonly api: Api
  readonly account: string
  readonly container: string
  readonly key: string
}

const NOWHERE = { account: '', container: '', key: '' }

/** Splits `account/container/object`; the object may have slashes, the others not. */
function below(api: Api, path: string): Address {
  const [account = '', container = '', ...rest] = path.split('/').map(decode)
  if (account === '') throw failed(412, 'Bad URL')
  if (container === '' && rest.length > 0) throw failed(412, 'Bad URL')
  return { api, account, container, key: rest.join('/') }
}

function address(rawPath: string): Address {
  const api = identityApi(rawPath)
  if (api !== undefined) return { api, ...NOWHERE }
  if (rawPath === '/info') return { api: 'info', ...NOWHERE }
  if (rawPath === '/healthcheck') return { api: 'health', ...NOWHERE }
  if (rawPath.startsWith('/v1/')) return below('storage', rawPath.slice('/v1/'.length))
  if (rawPath.startsWith('/cdn/v1/')) return below('cdn', rawPath.slice('/cdn/v1/'.length))
  if (rawPath.startsWith('/cdn-files/')) {
    const [hash = '', ...rest] = rawPath.slice('/cdn-files/'.length).split('/').map(decode)
    return { api: 'cdnFile', account: '', container: hash, key: rest.join('/') }
  }
  return { api: 'none', ...NOWHERE }
}

/** Reads a request from the wire. */
export function parseRequest(message: IncomingMessage, requestId: string): SwiftRequest {
  const target = message.url ?? '/'
  if (!/^[!-~]*$/.test(target)) throw complaint('the target has letters beyond ASCII')
  if (/[<>"\\^`{}|#]/.test(target)) throw complaint(`the target is not encoded: ${target}`)
  if (/%(?![0-9A-Fa-f]{2})/.test(target)) throw complaint(`a percent sign is not encoded: ${target}`)
  const request = readRequest(message, requestId, decode)
  return { ...request, ...address(request.rawPath), path: decode(request.rawPath), message }
}

/** How errors of a request are written. */
export function errorStyle(request: SwiftRequest | undefined): ErrorStyle {
  if (request?.api === 'v3' || request?.api === 'v2' || request?.api === 'versions') return 'keystone'
  return request?.api === 'v1.1' ? 'rackspace' : 'html'
}

/** A name in bytes. */
export function bytesOf(text: string): number {
  return Buffer.byteLength(text)
}
