import { join } from 'node:path'
import { expect, it } from 'vitest'
import { runNode } from '../../support/child.ts'

it('reads no package and no other backend when it is imported', async () => {
  const script = `
    import { registerHooks } from 'node:module'
    const seen = []
    registerHooks({ resolve(specifier, context, next) { const found = next(specifier, context); seen.push(found.url); return found } })
    await import('./src/backends/dropbox/index.ts')
    console.log(JSON.stringify(seen))`
  const { stdout, stderr } = await runNode(['--input-type=module', '-e', script], {
    cwd: join(import.meta.dirname, '../../..'),
  })
  expect(stderr).toBe('')
  const seen = JSON.parse(stdout) as string[]
  expect(seen.length).toBeGreaterThan(20)
  const others = /\/backends\/(?!dropbox\/)|\/dropbox\/(?:dist|es|cjs)\/|node:(?:http|https|tls|crypto)$|parse-xml/
  expect(seen.filter(url => others.test(url))).toEqual([])
})
