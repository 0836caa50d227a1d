import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { configure } from '../../src/config/index.ts'

const cwd = process.cwd()
const folders: string[] = []

afterEach(async () => {
  process.chdir(cwd)
  vi.restoreAllMocks()
  configure({})
  await Promise.all(folders.splice(0).map(folder => rm(folder, { recursive: true })))
})

async function temporary(parent: string): Promise<string> {
  const folder = await mkdtemp(join(parent, 'guide-'))
  folders.push(folder)
  return folder
}

test.each([
  ['guide', 10],
  ['fields', 8],
])('the code of %s.md runs and prints what its comments say', async (name, atLeast) => {
  const page = await readFile(new URL(`../../docs/${name}.md`, import.meta.url), 'utf8')
  const code = [...page.matchAll(/```ts\n(.*?)```/gs)].map(([, piece]) => piece).join('\n')
  const expected = [...code.matchAll(/console\.log\(.*\) \/\/ (.*)/g)].map(([, text]) => text)
  const module = join(await temporary(import.meta.dirname), `${name}.ts`)
  await writeFile(module, code)
  process.chdir(await temporary(tmpdir()))
  const printed: string[] = []
  vi.spyOn(console, 'log').mockImplementation((...values: unknown[]) => {
    printed.push(values.map(value => (typeof value === 'object' ? JSON.stringify(value) : String(value))).join(' '))
  })
  await import(module)
  expect(printed.map(line => line.replace(/hello_\w{7}/, 'hello_XXXXXXX'))).toEqual(expected)
  expect(expected.length).toBeGreaterThan(atLeast)
})
