// Saves and reads many files side by side with few descriptors, and prints how it went as JSON.
import { Readable } from 'node:stream'
import { LocalStorage } from '../../../src/backends/local/index.ts'
import { isStorageError } from '../../../src/core/errors.ts'

const [location, count, fewer] = process.argv.slice(2) as [string, string, string]
const options = { location, fsync: false, concurrency: 10_000, maxAttempts: 1, keepMetadata: true }
const storage = new LocalStorage(options, { settings: {}, env: {} })
const all = Array.from({ length: Number(count) }, (_, at) => `d${at % 7}/file-${at}`)
const names = all.slice(0, Number(fewer))

/** How many calls failed, by their code. */
async function failures(calls: ReadonlyArray<Promise<unknown>>): Promise<Record<string, number>> {
  const codes: Record<string, number> = {}
  for (const result of await Promise.allSettled(calls)) {
    if (result.status === 'fulfilled') continue
    const code = isStorageError(result.reason) ? result.reason.code : String(result.reason)
    codes[code] = (codes[code] ?? 0) + 1
  }
  return codes
}

const bytes = await failures(all.map(name => storage.save(name, name, { metadata: { name } })))
// A stream cannot be read again, so a save that has begun to read it must go on where it is.
const streams = await failures(
  names.map(name => storage.save(`s/${name}`, Readable.from([name]), { metadata: { name }, overwrite: true })),
)
const reads = await failures(
  names.map(async name => {
    if ((await storage.readText(name)) !== name) throw new Error('other bytes')
  }),
)
const appends = await failures(names.map(name => storage.edit(name, 'a', file => file.write('+'))))
const listed: string[] = []
for await (const entry of storage.entries('', { recursive: true })) listed.push(`${entry.name} ${entry.size}`)
const controller = new AbortController()
const held = await Promise.all(names.slice(0, 20).map(name => storage.open(name)))
const waiting = failures(
  names.map(name => storage.edit(name, 'a', file => file.write('-'), { signal: controller.signal })),
)
controller.abort()
const aborted = await waiting
for (const file of held) await file.close()
process.stdout.write(JSON.stringify({ bytes, streams, reads, appends, aborted, listed: listed.length }))
