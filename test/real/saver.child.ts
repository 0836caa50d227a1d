// Saves one name so many times at once, without overwriting; waits for a line on stdin and prints the mark and the name of each.
import { once } from 'node:events'
import type { Storage } from '../../src/storage/storage.ts'
import { markedBytes } from './marked-bytes.ts'

const [who, times, size] = process.argv.slice(2) as [string, string, string]
const { module, className, options } = JSON.parse(process.env['SAVER']!)
const Class: new (...args: unknown[]) => Storage = (await import(module))[className]
await using files = new Class({ ...options, fileOverwrite: false }, { settings: {}, env: {} })
process.stdout.write('ready\n')
await once(process.stdin, 'data')
await Promise.all(
  Array.from({ length: Number(times) }, async (_, round) => {
    const mark = `${who}/${round}`
    const name = await files.save('folder/same.bin', markedBytes(mark, Number(size)))
    process.stdout.write(`${JSON.stringify({ mark, name })}\n`)
  }),
)
process.stdin.destroy()
