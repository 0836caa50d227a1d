/** Accounts and containers: metadata, access lists, creation and deletion. */
import type { StrictAnswer } from '../strict/answer.ts'
import { checkAccessList } from './access.ts'
import type { Operation, OperationContext } from './context.ts'
import { failed } from './errors.ts'
import { headerText, metadataOf } from './headers.ts'
import { listContainers, listObjects } from './listing.ts'
import { accountOf, needContainer } from './lookup.ts'
import { bytesOf, type SwiftRequest } from './request.ts'
import { type Account, Container, httpDate } from './store.ts'

function accountHeaders({ containers, stamp, meta }: Account): Record<string, string> {
  const all = [...containers.values()]
  return {
    'x-account-container-count': String(all.length),
    'x-account-object-count': String(all.reduce((sum, one) => sum + one.objects.size, 0)),
    'x-account-bytes-used': String(all.reduce((sum, one) => sum + one.bytesUsed, 0)),
    'x-timestamp': stamp,
    ...Object.fromEntries(meta),
  }
}

function containerHeaders(container: Container, isOwner: boolean): Record<string, string> {
  const { objects, bytesUsed, stamp, meta, read, write } = container
  // Keys and access lists are shown to the owner only.
  const shown = [...meta].filter(([name]) => isOwner || !name.startsWith('x-container-meta-temp-url-key'))
  return {
    'x-container-object-count': String(objects.size),
    'x-container-bytes-used': String(bytesUsed),
    'x-timestamp': stamp,
    'x-storage-policy': 'Policy-0',
    'last-modified': httpDate(stamp),
    'accept-ranges': 'bytes',
    ...Object.fromEntries(shown),
    ...(isOwner && read !== '' ? { 'x-container-read': headerText(read) } : {}),
    ...(isOwner && write !== '' ? { 'x-container-write': headerText(write) } : {}),
  }
}

/** Sets what comes with a value, and removes what comes empty or by `x-remove-`. */
function change(meta: Map<string, string>, request: SwiftRequest, kind: 'account' | 'container'): void {
  const sent = metadataOf(request, kind)
  for (const name of Object.keys(request.headers)) {
    if (name.startsWith(`x-remove-${kind}-meta-`)) meta.delete(name.replace('x-remove-', 'x-'))
  }
  for (const [name, value] of sent) {
    if (value === '') meta.delete(name)
    else meta.set(name, value)
  }
}

function changeContainer(container: Container, request: SwiftRequest): void {
  const { headers } = request
  const { 'x-container-read': read, 'x-container-write': write } = headers
  const lists = [
    read === undefined ? undefined : checkAccessList(read, 'read'),
    write === undefined ? undefined : checkAccessList(write, 'write'),
  ]
  change(container.meta, request, 'container')
  if ('x-remove-container-read' in headers) container.read = ''
  if ('x-remove-container-write' in headers) container.write = ''
  container.read = lists[0] ?? container.read
  container.write = lists[1] ?? container.write
}

/** A HEAD is answered as a listing without its lines. */
const HEAD = { 'content-type': 'text/plain; charset=utf-8', 'content-length': '0' }
const HTML = { 'content-type': 'text/html; charset=UTF-8' }

function putContainer(context: OperationContext): StrictAnswer {
  const { state, request } = context
  const { limits } = state
  const length = bytesOf(request.container)
  if (length > limits.maxContainerName) {
    throw failed(400, `Container name length of ${length} longer than ${limits.maxContainerName}`)
  }
  const policy = request.headers['x-storage-policy']
  if (policy !== undefined && policy !== 'Policy-0') throw failed(400, `Invalid X-Storage-Policy '${policy}'`)
  const { containers } = accountOf(state, request.account)
  const found = containers.get(request.container)
  const container = found ?? new Container(request.container, state.stamp())
  changeContainer(container, request)
  containers.set(container.name, container)
  return { status: found === undefined ? 201 : 202, headers: HTML }
}

function deleteContainer(context: OperationContext): StrictAnswer {
  const { state, request } = context
  const container = needContainer(context)
  if (container.objects.size > 0) throw failed(409)
  state.accounts.get(request.account)?.containers.delete(container.name)
  return { status: 204, headers: HTML }
}

function isOwner({ identity }: OperationContext): boolean {
  return identity.token !== undefined
}

/** The operations by name. */
export const containerOperations: Readonly<Record<string, Operation>> = {
  'account.get'(context) {
    const account = accountOf(context.state, context.request.account)
    return listContainers(context, account.containers, accountHeaders(account))
  },
  'account.head'({ state, request }) {
    return { status: 204, headers: { ...HEAD, ...accountHeaders(accountOf(state, request.account)) } }
  },
  'account.post'({ state, request }) {
    change(accountOf(state, request.account).meta, request, 'account')
    return { status: 204, headers: HTML }
  },
  'container.get'(context) {
    const container = needContainer(context)
    return listObjects(context, container, containerHeaders(container, isOwner(context)))
  },
  'container.head'(context) {
    return { status: 204, headers: { ...HEAD, ...containerHeaders(needContainer(context), isOwner(context)) } }
  },
  'container.put': putContainer,
  'container.post'(context) {
    changeContainer(needContainer(context), context.request)
    return { status: 204, headers: HTML }
  },
  'container.delete': deleteContainer,
}
