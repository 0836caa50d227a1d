import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { configure } from '../../src/config/index.ts'

let folder: string
afterEach(async () => {
  vi.restoreAllMocks()
  configure({})
  await rm(folder, { recursive: true })
})

test('the code of the page on fields runs and prints what its comments say', async () => {
  const page = await readFile(new URL('../../docs/fields.md', import.meta.url), 'utf8')
  const code = [...page.matchAll(/```ts\n(.*?)```/gs)].map(([, piece]) => piece).join('\n')
  const expected = [...code.matchAll(/console\.log\(.*\) \/\/ (.*)/g)].map(([, text]) => text)
  folder = await mkdtemp(join(import.meta.dirname, 'fields-'))
  const module = join(folder, 'fields.ts')
  await writeFile(module, code)
  const printed: string[] = []
  vi.spyOn(console, 'log').mockImplementation((...values: unknown[]) => void printed.push(values.join(' ')))
  await import(module)
  // `join` leaves out null.
  expect(printed.map(line => line.replace(/ $/, ' null'))).toEqual(expected)
  expect(expected.length).toBeGreaterThan(8)
})
