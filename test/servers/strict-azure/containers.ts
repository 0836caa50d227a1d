/** Operations on the account and its containers. */
import { childText, element, parseBody } from '../strict/xml.ts'
import { readMetadata } from './blob-headers.ts'
import { type AzureAnswer, needContainer, type OperationContext, xmlDocument } from './context.ts'
import { AzureError, invalidHeader, invalidXml } from './errors.ts'
import { limitOf } from './listing.ts'
import { delegationKey } from './sas.ts'
import { Container } from './store.ts'

const DAY_MS = 86_400_000

/** PUT ?restype=container. */
export function createContainer(context: OperationContext): AzureAnswer {
  const { request, state } = context
  const name = request.container
  if (name.length < 3 || name.length > 63) {
    throw new AzureError(
      400,
      'OutOfRangeInput',
      'The specified resource name length is not within the permissible limits.',
    )
  }
  if (!/^[a-z0-9]([a-z0-9]|-(?!-))*[a-z0-9]$/.test(name)) {
    throw new AzureError(400, 'InvalidResourceName', 'The specifed resource name contains invalid characters.')
  }
  if (state.containers.has(name)) {
    throw new AzureError(409, 'ContainerAlreadyExists', 'The specified container already exists.')
  }
  const access = request.headers['x-ms-blob-public-access']
  if (access !== undefined && access !== 'blob' && access !== 'container') {
    throw invalidHeader('x-ms-blob-public-access', access)
  }
  const { versioning = false, hierarchical = false } = state.options
  const container = new Container({ name, publicAccess: access }, state.now(), { versioning, hierarchical })
  container.metadata = readMetadata(request.headers, request.rawNames)
  state.containers.set(name, container)
  return { status: 201, headers: headersOf(container) }
}

function headersOf(container: Container): Record<string, string> {
  return { etag: `"${container.etag}"`, 'last-modified': new Date(container.modified).toUTCString() }
}

/** GET and HEAD ?restype=container. */
export function getContainerProperties(context: OperationContext): AzureAnswer {
  const container = needContainer(context)
  const headers: Record<string, string> = {
    ...headersOf(container),
    'x-ms-lease-status': 'unlocked',
    'x-ms-lease-state': 'available',
  }
  if (container.publicAccess !== undefined) headers['x-ms-blob-public-access'] = container.publicAccess
  for (const [name, value] of Object.entries(container.metadata)) headers[`x-ms-meta-${name}`] = value
  return { status: 200, headers }
}

/** DELETE ?restype=container. */
export function deleteContainer(context: OperationContext): AzureAnswer {
  context.state.containers.delete(needContainer(context).name)
  return { status: 202 }
}

/** GET ?comp=list of the account. */
export function listContainers({ state, request }: OperationContext): AzureAnswer {
  const { query } = request
  const limit = limitOf(query['maxresults'], state.options.pageSize ?? 5000)
  const all = [...state.containers.values()]
    .filter(({ name }) => name.startsWith(query['prefix'] ?? '') && name >= (query['marker'] ?? ''))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  const inner = all.slice(0, limit).map(({ name, etag, modified }) => {
    const properties = element('Last-Modified', new Date(modified).toUTCString()) + element('Etag', `"${etag}"`)
    return `<Container>${element('Name', name)}<Properties>${properties}</Properties></Container>`
  })
  const next = element('NextMarker', all[limit]?.name ?? '')
  return xmlDocument('EnumerationResults', `<Containers>${inner.join('')}</Containers>${next}`)
}

/** GET and HEAD ?restype=account&comp=properties. */
export function accountInformation({ state }: OperationContext): AzureAnswer {
  const headers = { 'x-ms-sku-name': 'Standard_LRS', 'x-ms-account-kind': 'StorageV2' }
  return { status: 200, headers: { ...headers, 'x-ms-is-hns-enabled': String(state.options.hierarchical ?? false) } }
}

/** POST ?restype=service&comp=userdelegationkey: a key for at most seven days, whose end is the one that is answered. */
export function userDelegationKey({ state, request }: OperationContext): AzureAnswer {
  const info = parseBody(request.body, 'KeyInfo')
  if (info === undefined) throw invalidXml()
  const now = state.now()
  const [start, expiry] = [childText(info, 'Start') ?? '', childText(info, 'Expiry') ?? ''].map(text => {
    if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(text)) throw invalidXml()
    return Date.parse(text)
  }) as [number, number]
  if (expiry <= now || expiry <= start || expiry - start > 7 * DAY_MS || expiry - now > 7 * DAY_MS) {
    throw new AzureError(
      400,
      'InvalidXmlNodeValue',
      'The value for one of the XML nodes is not in the correct format.',
      {
        XmlNodeName: 'Expiry',
      },
    )
  }
  const until = Math.min(expiry, now + (state.options.maxKeySecs ?? 7 * 86_400) * 1000)
  const iso = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')
  const fields = {
    skoid: '11111111-1111-1111-1111-111111111111',
    sktid: '22222222-2222-2222-2222-222222222222',
    skt: iso(start),
    ske: iso(until),
    sks: 'b',
    skv: request.headers['x-ms-version'] ?? '',
  }
  const value = delegationKey(state, fields).toString('base64')
  const inner = [
    element('SignedOid', fields.skoid),
    element('SignedTid', fields.sktid),
    element('SignedStart', fields.skt),
    element('SignedExpiry', fields.ske),
    element('SignedService', fields.sks),
    element('SignedVersion', fields.skv),
    element('Value', value),
  ]
  return xmlDocument('UserDelegationKey', inner.join(''))
}
