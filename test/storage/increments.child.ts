import { LocalStorage } from '../../src/backends/local/index.ts'
import { S3Storage } from '../../src/backends/s3/index.ts'
import { increment } from './increments.ts'

const { backend, options, times } = JSON.parse(process.argv[2]!)
const services = { settings: {}, env: {} }
await using storage = backend === 'local' ? new LocalStorage(options, services) : new S3Storage(options, services)
await increment(storage, 'count', times)
