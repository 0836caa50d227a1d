import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { S3Storage } from '../../src/backends/s3/index.ts'
import { PROVIDERS } from '../../src/backends/s3/settings/presets.ts'

const page = readFileSync(new URL('../../docs/backends/s3-compatible.md', import.meta.url), 'utf8')
const examples = [...page.matchAll(/```ts\nnew S3Storage\((\{.*\})\)\n\/\/ (\S+)\n```/g)].map(
  ([, options = '', url = '']) => ({ options: new Function(`return ${options}`)(), url }),
)

test.each(examples)('the example $options.provider gives $url', async ({ options, url }) => {
  await using files = new S3Storage({ ...options, querystringAuth: false }, { settings: {}, env: {} })
  expect(await files.url('a.txt')).toBe(url)
})

test('every provider has an example or a page of its own', () => {
  const shown = examples.map(({ options }) => options.provider)
  expect([...shown, 'aws', 'digitalocean'].sort()).toEqual([...PROVIDERS].sort())
})
