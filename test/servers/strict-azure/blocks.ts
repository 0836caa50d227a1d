/** Put Block, Put Block List, Get Block List. */
import { element, parseBody } from '../strict/xml.ts'
import { checkWritable, checkWriteConditions, readSettings, writtenHeaders } from './blob-headers.ts'
import { checkLength, checkName, refuseFolder } from './blobs.ts'
import { verifyBody } from './checksums.ts'
import { type AzureAnswer, needContainer, type OperationContext, xmlDocument } from './context.ts'
import { AzureError, blobNotFound, invalidQuery, invalidXml } from './errors.ts'
import type { Block } from './store.ts'

const MIB = 1024 * 1024

/** The id of a block as it was sent; 400 where it is not base64 of at most 64 bytes. */
function blockId({ request }: OperationContext): string {
  const id = request.query['blockid'] ?? ''
  const bytes = Buffer.from(id, 'base64')
  if (bytes.length === 0 || bytes.length > 64 || bytes.toString('base64') !== id) throw invalidQuery('blockid', id)
  return id
}

/** Keeps a block until a list names it; ids of one blob have one length, those of other writers too. */
export function keepBlock(context: OperationContext, body: Buffer): void {
  const { request, state } = context
  const container = needContainer(context)
  const { key } = request
  checkName(key)
  const id = blockId(context)
  checkWritable(context, container)
  refuseFolder(container.blobs.get(key))
  const waiting = container.uncommitted.get(key) ?? new Map<string, Block>()
  const first = waiting.keys().next().value
  if (first !== undefined && first.length !== id.length) {
    throw new AzureError(400, 'InvalidBlobOrBlock', 'The specified blob or block content is invalid.')
  }
  if (!waiting.has(id) && waiting.size >= 2 * (state.options.maxBlocks ?? 50_000)) {
    const message = 'The uncommitted block count cannot exceed the maximum limit of 100,000 blocks.'
    throw new AzureError(409, 'BlockCountExceedsLimit', message)
  }
  waiting.set(id, { id, body })
  container.uncommitted.set(key, waiting)
}

/** PUT ?comp=block. */
export function putBlock(context: OperationContext): AzureAnswer {
  const { request, state } = context
  needContainer(context)
  checkLength(request, state.options.maxBlockSize ?? 4000 * MIB)
  if (request.body.length === 0) {
    throw new AzureError(
      400,
      'InvalidHeaderValue',
      'The value for one of the HTTP headers is not in the correct format.',
      {
        HeaderName: 'Content-Length',
        HeaderValue: '0',
      },
    )
  }
  const echoed = verifyBody(request.headers, request.body, state.options.echoCrc64 !== false)
  keepBlock(context, request.body)
  return { status: 201, headers: { ...echoed, 'x-ms-request-server-encrypted': 'true' } }
}

/** PUT ?comp=blocklist. */
export function putBlockList(context: OperationContext): AzureAnswer {
  const { request, state } = context
  const { key, headers } = request
  const container = needContainer(context)
  checkName(key)
  checkLength(request, 64 * MIB)
  const echoed = verifyBody(headers, request.body, state.options.echoCrc64 !== false)
  const root = parseBody(request.body, 'BlockList')
  if (root === undefined) throw invalidXml()
  if (root.children.length > (state.options.maxBlocks ?? 50_000)) {
    throw new AzureError(400, 'BlockListTooLong', 'The block list may not contain more than 50,000 blocks.')
  }
  const old = container.blobs.get(key)
  const settings = readSettings(request, false)
  checkWriteConditions(context, old)
  checkWritable(context, container)
  refuseFolder(old)
  const waiting = container.uncommitted.get(key)
  const blocks = root.children.map(({ name, text }) => {
    const kept = old?.blocks.find(block => block.id === text)
    const found = { Committed: kept, Uncommitted: waiting?.get(text), Latest: waiting?.get(text) ?? kept }[name]
    if (found !== undefined) return found
    throw new AzureError(400, 'InvalidBlockList', 'The specified block list is invalid.')
  })
  const body = Buffer.concat(blocks.map(block => block.body))
  const blob = container.put(key, { ...settings, body, blocks }, state.now())
  return { status: 201, headers: { ...writtenHeaders(blob), ...echoed } }
}

/** GET ?comp=blocklist. */
export function getBlockList(context: OperationContext): AzureAnswer {
  const { request } = context
  const container = needContainer(context)
  const type = request.query['blocklisttype'] ?? 'committed'
  if (!['committed', 'uncommitted', 'all'].includes(type)) throw invalidQuery('blocklisttype', type)
  const blob = container.blobs.get(request.key)
  const waiting = container.uncommitted.get(request.key)
  if (blob === undefined && waiting === undefined) throw blobNotFound()
  const list = (root: string, blocks: Iterable<Block>): string => {
    const all = [...blocks].map(
      ({ id, body }) => `<Block>${element('Name', id)}${element('Size', body.length)}</Block>`,
    )
    return `<${root}>${all.join('')}</${root}>`
  }
  const committed = type === 'uncommitted' ? '' : list('CommittedBlocks', blob?.blocks ?? [])
  const uncommitted = type === 'committed' ? '' : list('UncommittedBlocks', waiting?.values() ?? [])
  const headers: Record<string, string> = { 'x-ms-blob-content-length': String(blob?.body.length ?? 0) }
  return xmlDocument('BlockList', committed + uncommitted, {
    ...headers,
    ...(blob === undefined ? {} : { etag: `"${blob.etag}"` }),
  })
}
