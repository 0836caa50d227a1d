/** The bare loop: every file of a folder is read and saved by Holdall's own S3 client, so many at a time, and nothing else is done. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { S3Storage } from '../../src/backends/s3/index.ts'

const { module, source, concurrency, options, times } = JSON.parse(process.argv[2]!)
const { S3Storage: Storage } = (await import(module)) as { S3Storage: typeof S3Storage }
await using files = new Storage(options, { settings: {}, env: {} })
const entries = await readdir(source, { recursive: true, withFileTypes: true })
const names = entries
  .filter(entry => entry.isFile())
  .map(entry => join(entry.parentPath, entry.name).slice(source.length + 1))
const left = Array.from({ length: times }, (_, time) =>
  names.map(name => [name, time === 0 ? name : `${name}.${time}`]),
)
  .flat()
  .values()
const lane = async (): Promise<void> => {
  for (const [name, key] of left) await files.save(key!, await readFile(join(source, name!)))
}
await Promise.all(Array.from({ length: concurrency }, lane))
