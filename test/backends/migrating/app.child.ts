// A process of the application: `node app.child.ts CONFIG`. A request is a line of JSON with an id; so is its answer. Ends with its input.
import { createInterface } from 'node:readline'
import { loadAndConfigure, resetStorages, storages } from '../../../src/config/index.ts'
import { answerOf } from './application.ts'

await loadAndConfigure({ file: process.argv[2]! })
const storage = storages.get('media')
await storage.exists('nothing')
process.stdout.write('ready\n')
const running = new Set<Promise<void>>()
for await (const line of createInterface({ input: process.stdin })) {
  const { id, request } = JSON.parse(line)
  const answered = answerOf(storage, request).then(answer => {
    process.stdout.write(`${JSON.stringify({ id, answer })}\n`)
    running.delete(answered)
  })
  running.add(answered)
}
await Promise.all(running)
await resetStorages()
