/** Who asks: the signature, or a collection that lets everyone in. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { type AccessKind, isOpen, needAddress } from './access-control.ts'
import type { NimbusState } from './context.ts'
import { unauthorized } from './errors.ts'
import { type NimbusRequest, unquotePlus } from './request.ts'

/** Who asks; undefined where everyone may. */
export interface NimbusIdentity {
  readonly username: string | undefined
}

/** How far the time of a request may be from the server's, seconds. */
const WINDOW_SECS = 600

/** What an operation does with a collection. */
const KINDS: Readonly<Record<string, AccessKind>> = {
  ListVersions: 'list',
  ListKeys: 'list',
  ListConjoined: 'list',
  RetrieveMeta: 'read',
  RetrieveKey: 'read',
  HeadKey: 'read',
  ArchiveKey: 'write',
  StartConjoined: 'write',
  FinishConjoined: 'write',
  AbortConjoined: 'write',
  DeleteKey: 'delete',
}

/** The bytes that are signed. */
export function stringToSign(username: string, request: NimbusRequest, timestamp: string): Buffer {
  const { method, rawPath, rawQuery } = request
  const uri = unquotePlus(rawQuery === '' ? rawPath : `${rawPath}?${rawQuery}`)
  return Buffer.concat([Buffer.from(`${username}\n${method}\n${timestamp}\n`), uri])
}

/** The user of a request; 401 for all that is wrong with it, 403 where a collection keeps the address out. */
export function authenticate(request: NimbusRequest, state: NimbusState): NimbusIdentity {
  const kind = KINDS[request.operation]
  if (kind === undefined) return { username: verify(request.username, request, state) }
  const collection = state.store.collections.get(request.collection)
  if (collection === undefined) throw unauthorized('There is no such collection.')
  needAddress(collection.accessControl)
  const isAnonymous = request.headers['authorization'] === undefined
  if (isAnonymous && isOpen(collection.accessControl, kind)) return { username: undefined }
  return { username: verify(collection.owner, request, state) }
}

function verify(username: string, request: NimbusRequest, state: NimbusState): string {
  const { authorization = '', 'x-nimbus-io-timestamp': timestamp = '' } = request.headers
  const [, keyId, hex = ''] = /^NIMBUS\.IO (\d{1,15}):([0-9a-fA-F]{64})$/.exec(authorization) ?? []
  if (keyId === undefined) throw unauthorized('There is no valid Authorization.')
  const user = state.users.find(one => one.username === username && one.keyId === Number(keyId))
  if (user === undefined) throw unauthorized('The key is not one of the user.')
  if (!/^\d{1,12}$/.test(timestamp)) throw unauthorized('There is no valid x-nimbus-io-timestamp.')
  if (Math.abs(Number(timestamp) - state.now() / 1000) > WINDOW_SECS) throw unauthorized('The clocks differ.')
  const right = createHmac('sha256', user.key)
    .update(stringToSign(username, request, timestamp))
    .digest()
  if (!timingSafeEqual(right, Buffer.from(hex, 'hex'))) throw unauthorized('The signature does not match.')
  return username
}
