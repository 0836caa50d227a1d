/** The steps of Azure, and the strict server as a ground for faults. */
import type { AzureOptions } from '../../../src/backends/azure/settings.ts'
import type { Input } from '../../../src/core/settings.ts'
import { faultsOf, type NamedFault } from '../../faults/case.ts'
import type { Ground } from '../../faults/ground.ts'
import type { ProxiedRequest } from '../../servers/fault-proxy.ts'
import { serverBusy } from '../../servers/strict-azure/errors.ts'
import { startStrictAzure } from '../../servers/strict-azure.ts'
import { storageFor, type TestAccount } from './strict-storage.ts'

export type StepName = keyof typeof STEPS

const compOf = ({ url }: ProxiedRequest): string | undefined => /[?&]comp=(\w+)/.exec(url)?.[1]
const isCopy = ({ headers }: ProxiedRequest): boolean => headers['x-ms-copy-source'] !== undefined
/** The number of a block stands in the last bytes of its id. */
const numberOf = ({ url }: ProxiedRequest): number => {
  const id = /[?&]blockid=([^&]*)/.exec(url)?.[1]
  return id === undefined ? 0 : Buffer.from(decodeURIComponent(id), 'base64').subarray(-3).readUIntBE(0, 3)
}
const block = (number: number, copy: boolean) => (request: ProxiedRequest) =>
  request.method === 'PUT' && compOf(request) === 'block' && isCopy(request) === copy && numberOf(request) === number
const plain = (method: string, copy: boolean) => (request: ProxiedRequest) =>
  request.method === method && compOf(request) === undefined && isCopy(request) === copy

/** Which requests a step consists of. */
const STEPS = {
  'PutBlock 1': block(1, false),
  'PutBlock 2': block(2, false),
  'PutBlock 3': block(3, false),
  PutBlockList: request => request.method === 'PUT' && compOf(request) === 'blocklist',
  GetBlockList: request => request.method === 'GET' && compOf(request) === 'blocklist',
  PutBlob: plain('PUT', false),
  CopyBlob: plain('PUT', true),
  PutBlockFromURL: block(2, true),
  GetBlob: plain('GET', false),
  GetBlobProperties: plain('HEAD', false),
  ListBlobs: request => request.method === 'GET' && compOf(request) === 'list',
  DeleteBlob: plain('DELETE', false),
  BlobBatch: request => request.method === 'POST' && compOf(request) === 'batch',
} satisfies Record<string, (request: ProxiedRequest) => boolean>

/** The steps whose answers have no body: cut off after their head they are whole. */
const BODYLESS: readonly StepName[] = [
  'PutBlock 1',
  'PutBlock 2',
  'PutBlock 3',
  'PutBlockList',
  'PutBlob',
  'CopyBlob',
  'PutBlockFromURL',
  'GetBlobProperties',
  'DeleteBlob',
]

/** Every fault but lies, with Azure's own way to ask for fewer requests. */
export const FAULTS: readonly NamedFault[] = faultsOf({ ServerBusy: serverBusy() })

/** Bytes of a block in these tests. */
export const PART: number = 48 * 1024

/** Attributes that a copy of the whole blob cannot change: it is made of blocks. */
export const IN_BLOCKS = { contentType: 'text/odd' } as const

/** A ground on any server of Azure Blob; what is left is seen as `seen` says. */
export function groundOf(
  server: TestAccount,
  options: Input<AzureOptions>,
  seen: Pick<Ground, 'put' | 'stored'>,
): Ground<StepName> {
  return {
    ...seen,
    url: server.endpoint,
    steps: STEPS,
    bodyless: BODYLESS,
    // The service keeps no uploads open: blocks that no list names are gone after a week.
    openUploads: async () => [],
    storage: (url, { timeoutSecs, maxAttempts }) =>
      storageFor({ ...server, endpoint: url }, { ...options, timeoutSecs, maxAttempts }),
  }
}

/** A strict server as a ground. */
export async function startGround(): Promise<Ground<StepName> & { close(): Promise<void> }> {
  const server = await startStrictAzure()
  const direct = storageFor(server)
  const sizes = { multipartThreshold: PART, partSize: PART, uploadConcurrency: 3 }
  const ground = groundOf(server, sizes, {
    put: async (key, bytes) => {
      await direct.save(key, bytes, { overwrite: true })
    },
    stored: async key => server.container().bytes(key),
  })
  return {
    ...ground,
    close: async () => {
      await direct.close()
      await server.close()
    },
  }
}
