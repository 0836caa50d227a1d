// Does one thing under a limit and prints what came of it as JSON: as a user who is not root, or with all descriptors in use.
import { closeSync, openSync } from 'node:fs'
import { LocalStorage } from '../../../src/backends/local/index.ts'
import type { StorageError } from '../../../src/core/errors.ts'

const [limit, location] = process.argv.slice(2) as ['user' | 'descriptors', string]
const options = { location, fsync: false, maxAttempts: 1, fileOverwrite: true, keepMetadata: true }
const storage = new LocalStorage(options, { settings: {}, env: {} })
const calls: Record<string, () => Promise<unknown>> = {
  list: async () => {
    const names: string[] = []
    for await (const { name } of storage.entries('', { recursive: true })) names.push(name)
    return names.sort()
  },
  listShut: () => storage.listdir('shut'),
  sweep: () => storage.sweep({ minAgeSecs: 0 }),
  read: () => storage.open('unreadable'),
  save: () => storage.save('file', 'new'),
  saveInto: () => storage.save('shut/new/file', 'new'),
  copy: () => storage.copy('file', 'copied'),
  change: () => storage.edit('file', 'a', file => file.write('more')),
  delete: () => storage.delete('file'),
}
const results: Record<string, unknown> = {}
const warnings: string[] = []
process.on('warning', ({ message }) => void warnings.push(message))
// Everything is loaded before it is lacking.
await storage.exists('file')

if (limit === 'user' && process.getuid?.() === 0) {
  process.setgid?.(65_534)
  process.setuid?.(65_534)
}
const held: number[] = []
if (limit === 'descriptors') {
  try {
    for (;;) held.push(openSync('/dev/null', 'r'))
  } catch {}
}
const run = async (name: string): Promise<void> => {
  results[name] = await calls[name]!().catch(({ code, message, retryable, outcome }: StorageError) => ({
    code,
    message,
    retryable,
    outcome,
  }))
}
// Calls that wait for descriptors wait side by side.
if (limit === 'descriptors') await Promise.all(Object.keys(calls).map(run))
else for (const name of Object.keys(calls)) await run(name)
for (const fd of held) closeSync(fd)
await new Promise(setImmediate)
process.stdout.write(JSON.stringify({ results, warnings }))
