import { ContainerClient, StorageSharedKeyCredential } from '@azure/storage-blob'
import { afterAll } from 'vitest'
import { startStrictAzure } from '../../servers/strict-azure.ts'
import { describeInterchange } from './interchange.ts'
import { storageFor } from './strict-storage.ts'

const server = await startStrictAzure()
afterAll(() => server.close())

const credential = new StorageSharedKeyCredential(server.account, server.accountKey)
describeInterchange(options => storageFor(server, options), new ContainerClient(`${server.endpoint}/media`, credential))
