import { join } from 'node:path'
import { expect } from 'vitest'
import { runNode } from './child.ts'

/** URLs of all modules that are resolved when a source of ours is imported, in a process of its own. */
export async function resolvedImports(source: string): Promise<string[]> {
  const script = `
    import { registerHooks } from 'node:module'
    const seen = []
    registerHooks({ resolve(specifier, context, next) { const found = next(specifier, context); seen.push(found.url); return found } })
    await import('./${source}')
    console.log(JSON.stringify(seen))`
  const { stdout, stderr } = await runNode(['--input-type=module', '-e', script], {
    cwd: join(import.meta.dirname, '../..'),
  })
  expect(stderr).toBe('')
  const seen = JSON.parse(stdout) as string[]
  expect(seen.length).toBeGreaterThan(20)
  return seen
}
