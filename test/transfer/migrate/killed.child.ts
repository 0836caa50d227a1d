/** Migrates a folder to a bucket, with the package as it is built; prints the report. */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const [, , built, settings] = process.argv
const load = (name: string): Promise<Record<string, never>> =>
  import(pathToFileURL(join(built!, 'dist', `${name}.js`)).href)
const { migrate } = (await load('transfer/index')) as unknown as typeof import('../../../src/transfer/index.ts')
const { LocalStorage } = (await load(
  'backends/local/index',
)) as unknown as typeof import('../../../src/backends/local/index.ts')
const { S3Storage } = (await load('backends/s3/index')) as unknown as typeof import('../../../src/backends/s3/index.ts')
const { location, s3, options } = JSON.parse(settings!)
console.log(JSON.stringify(await migrate(new LocalStorage({ location }), new S3Storage(s3), options)))
