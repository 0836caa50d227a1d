import { type Contender, count, length, PARALLEL, PART_SIZE } from '../remote/contender.ts'
import { ofFileStorage, ofFiles } from '../remote/peers.ts'
import { ACCOUNT, ACCOUNT_KEY, accountUrl, CONTAINER } from './place.ts'

async function containerOf(endpoint: string) {
  const { BlobServiceClient, StorageSharedKeyCredential } = await import('@azure/storage-blob')
  const credential = new StorageSharedKeyCredential(ACCOUNT, ACCOUNT_KEY)
  const options = { retryOptions: { maxTries: 1 } }
  return new BlobServiceClient(accountUrl(endpoint), credential, options).getContainerClient(CONTAINER)
}

/** The peers by name, each with its defaults but for endpoint, keys, block size and parallel blocks; imported when made. */
export const PEERS: Readonly<Record<string, (endpoint: string) => Promise<Contender>>> = {
  async 'azure-sdk'(endpoint) {
    const container = await containerOf(endpoint)
    const blob = (key: string) => container.getBlockBlobClient(key)
    const open = async (key: string) => (await blob(key).download()).readableStreamBody as NodeJS.ReadableStream
    return {
      put: (key, bytes) => blob(key).upload(bytes, bytes.byteLength),
      get: async key => count((await open(key)) as AsyncIterable<Buffer>),
      head: async key => (await blob(key).getProperties()).contentLength!,
      upload: (key, source) => blob(key).uploadStream(source, PART_SIZE, PARALLEL),
      download: async key => count((await open(key)) as AsyncIterable<Buffer>),
      list: () => length(container.listBlobsFlat()),
    }
  },
  async flystorage(endpoint) {
    const { FileStorage } = await import('@flystorage/file-storage')
    const { AzureStorageBlobStorageAdapter } = await import('@flystorage/azure-storage-blob')
    const container = await containerOf(endpoint)
    return ofFileStorage(
      new FileStorage(new AzureStorageBlobStorageAdapter(container, { uploadMaxConcurrency: PARALLEL })),
    )
  },
  async 'files-sdk'(endpoint) {
    const { Files } = await import('files-sdk')
    const { azure } = await import('files-sdk/azure')
    const account = { accountName: ACCOUNT, accountKey: ACCOUNT_KEY, endpoint: accountUrl(endpoint) }
    return ofFiles(new Files({ adapter: azure({ ...account, container: CONTAINER }) }))
  },
}
