/** What a blob has besides its bytes: metadata, properties, tier, tags, lease, snapshots. */
import { randomUUID } from 'node:crypto'
import { childText, element, parseBody } from '../strict/xml.ts'
import {
  checkLease,
  checkReadConditions,
  checkTags,
  checkWritable,
  checkWriteConditions,
  describe,
  readMetadata,
  readSettings,
  readTier,
  writtenHeaders,
} from './blob-headers.ts'
import { type AzureAnswer, needBlob, type OperationContext, xmlDocument } from './context.ts'
import { AzureError, invalidHeader, invalidXml, missingHeader } from './errors.ts'
import type { Container, Lease } from './store.ts'

/** GET and HEAD ?comp=metadata. */
export function getMetadata(context: OperationContext): AzureAnswer {
  const { container, blob } = needBlob(context)
  checkReadConditions(context.request.headers, blob)
  const all = Object.entries(describe(blob, container, context.request.key))
  return {
    status: 200,
    headers: Object.fromEntries(all.filter(([name]) => /^(etag|last-modified|x-ms-meta-.*)$/.test(name))),
  }
}

/** PUT ?comp=metadata. */
export function setMetadata(context: OperationContext): AzureAnswer {
  const { request, state } = context
  const { container, blob } = needBlob(context)
  const metadata = readMetadata(request.headers, request.rawNames)
  checkWriteConditions(context, blob)
  checkWritable(context, container, true)
  return { status: 200, headers: writtenHeaders(container.update(request.key, { metadata }, state.now())) }
}

/** PUT ?comp=properties: those that are not sent are gone. */
export function setProperties(context: OperationContext): AzureAnswer {
  const { request, state } = context
  const { container, blob } = needBlob(context)
  const { properties } = readSettings(request, false)
  checkWriteConditions(context, blob)
  checkWritable(context, container, true)
  return { status: 200, headers: writtenHeaders(container.update(request.key, { properties }, state.now())) }
}

/** PUT ?comp=tier: at once, or for hours out of the archive. */
export function setTier(context: OperationContext): AzureAnswer {
  const { request } = context
  const { container, blob } = needBlob(context)
  const tier = readTier(request.headers)
  if (tier === undefined) throw missingHeader('x-ms-access-tier')
  checkLease(container, request.key, request.headers['x-ms-lease-id'], context.state.now())
  if (blob.tier !== 'Archive' || tier === 'Archive') {
    container.update(request.key, { tier })
    return { status: 200 }
  }
  container.update(request.key, { archiveStatus: `rehydrate-pending-to-${tier.toLowerCase()}` })
  return { status: 202 }
}

/** GET ?comp=tags. */
export function getTags(context: OperationContext): AzureAnswer {
  const { blob } = needBlob(context)
  const tags = Object.entries(blob.tags).map(
    ([name, value]) => `<Tag>${element('Key', name)}${element('Value', value)}</Tag>`,
  )
  return xmlDocument('Tags', `<TagSet>${tags.join('')}</TagSet>`)
}

/** PUT ?comp=tags. */
export function setTags(context: OperationContext): AzureAnswer {
  const { request } = context
  const { container } = needBlob(context)
  const set = parseBody(request.body, 'Tags')?.children.find(child => child.name === 'TagSet')
  if (set === undefined) throw invalidXml()
  const tags = Object.fromEntries(set.children.map(tag => [childText(tag, 'Key') ?? '', childText(tag, 'Value') ?? '']))
  checkTags(tags)
  container.update(request.key, { tags })
  return { status: 204 }
}

/** PUT ?comp=snapshot. */
export function snapshotBlob(context: OperationContext): AzureAnswer {
  const { request, state } = context
  const { container, blob } = needBlob(context)
  checkWriteConditions(context, blob)
  const snapshot = container.instant(state.now())
  const metadata = readMetadata(request.headers, request.rawNames)
  const kept = { ...blob, snapshot, ...(Object.keys(metadata).length === 0 ? {} : { metadata }) }
  container.snapshots.set(request.key, [...(container.snapshots.get(request.key) ?? []), kept])
  return { status: 201, headers: { ...writtenHeaders(blob), 'x-ms-snapshot': snapshot } }
}

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** PUT ?comp=lease: acquire, renew, change, release, break. */
export function leaseBlob(context: OperationContext): AzureAnswer {
  const { request, state } = context
  const { key, headers } = request
  const { container, blob } = needBlob(context)
  checkWriteConditions(context, blob)
  const lease = container.leases.get(key)
  const action = headers['x-ms-lease-action']
  const written = writtenHeaders(blob)
  switch (action) {
    case 'acquire': {
      const id = acquire(context, container)
      return { status: 201, headers: { ...written, 'x-ms-lease-id': id } }
    }
    case 'renew':
    case 'change': {
      const held = needLease(
        lease,
        headers['x-ms-lease-id'],
        action === 'change' ? headers['x-ms-proposed-lease-id'] : undefined,
      )
      if (action === 'change') held.id = guid(headers, 'x-ms-proposed-lease-id')
      return { status: 200, headers: { ...written, 'x-ms-lease-id': held.id } }
    }
    case 'release':
      needLease(lease, headers['x-ms-lease-id'])
      container.leases.delete(key)
      return { status: 200, headers: written }
    case 'break': {
      if (lease === undefined)
        throw new AzureError(409, 'LeaseNotPresentWithLeaseOperation', 'There is currently no lease on the blob.')
      lease.state = 'broken'
      lease.until = state.now()
      return { status: 202, headers: { ...written, 'x-ms-lease-time': '0' } }
    }
    default:
      throw action === undefined ? missingHeader('x-ms-lease-action') : invalidHeader('x-ms-lease-action', action)
  }
}

function guid(headers: Readonly<Record<string, string>>, name: string): string {
  const id = headers[name] ?? randomUUID()
  if (!GUID.test(id)) throw invalidHeader(name, id)
  return id.toLowerCase()
}

function acquire({ request, state }: OperationContext, container: Container): string {
  const { headers, key } = request
  const secs = Number(headers['x-ms-lease-duration'] ?? Number.NaN)
  if (secs !== -1 && !(secs >= 15 && secs <= 60))
    throw invalidHeader('x-ms-lease-duration', headers['x-ms-lease-duration'])
  const id = guid(headers, 'x-ms-proposed-lease-id')
  const held = container.leases.get(key)
  const isHeld = held?.state === 'leased' && (held.until === undefined || held.until > state.now())
  if (isHeld && held.id !== id) {
    throw new AzureError(409, 'LeaseAlreadyPresent', 'There is already a lease present.')
  }
  const until = secs === -1 ? undefined : state.now() + secs * 1000
  container.leases.set(key, { id, state: 'leased', until })
  return id
}

function needLease(lease: Lease | undefined, given: string | undefined, proposed?: string): Lease {
  if (given === undefined) throw missingHeader('x-ms-lease-id')
  const id = given.toLowerCase()
  if (lease !== undefined && (lease.id === id || lease.id === proposed?.toLowerCase())) return lease
  throw new AzureError(
    409,
    'LeaseIdMismatchWithLeaseOperation',
    'The lease ID specified did not match the lease ID for the blob.',
  )
}
