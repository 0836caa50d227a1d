/** The pages on ORMs and their programs. */
import { globSync, readFileSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { expect } from 'vitest'
import { compilingOnce, runNode } from '../support/child.ts'

const ROOT = join(import.meta.dirname, '../..')

/** A page of `docs/orm` with the program that it shows. */
export interface OrmExample {
  readonly name: string
  readonly page: string
  readonly program: string
  /** Whether it needs the URL of a database. */
  readonly needsUrl: boolean
}

const namesIn = (pattern: string, end: string): string[] =>
  globSync(pattern, { cwd: ROOT })
    .map(file => basename(file, end))
    .sort()

/** Adapters that do something. */
export const ADAPTERS: readonly string[] = globSync('src/orm/*/index.ts', { cwd: ROOT })
  .filter(file => !/^export type \{\}/.test(readFileSync(join(ROOT, file), 'utf8')))
  .map(file => file.split('/').at(-2)!)
  .sort()

export const PAGES: readonly string[] = namesIn('docs/orm/*.md', '.md')
export const PROGRAMS: readonly string[] = namesIn('examples/orm/*.ts', '.ts')

export const EXAMPLES: readonly OrmExample[] = PAGES.filter(name => PROGRAMS.includes(name)).map(name => {
  const program = readFileSync(join(ROOT, `examples/orm/${name}.ts`), 'utf8')
  const page = readFileSync(join(ROOT, `docs/orm/${name}.md`), 'utf8')
  return { name, page, program, needsUrl: /(?:DATABASE|MONGODB)_UR[LI]/.test(program) && !/sqlite/i.test(program) }
})

/** Runs the program in an empty folder, which it must leave empty; it says what it does, and complains of nothing. */
export async function runExample({ name }: OrmExample, url?: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdall-example-'))
  try {
    const { DATABASE_URL: _, ...env } = compilingOnce()
    const urls = url === undefined ? {} : { DATABASE_URL: url, MONGODB_URL: url, MONGODB_URI: url }
    const preload = join(import.meta.dirname, '../support/holdall-source.ts')
    const { stdout, stderr } = await runNode(['--import', preload, join(ROOT, `examples/orm/${name}.ts`)], {
      cwd: folder,
      env: { ...env, TMPDIR: folder, NODE_NO_WARNINGS: '1', ...urls },
    })
    expect(stderr, name).toBe('')
    expect(stdout.trim(), `${name} says what it does`).not.toBe('')
    expect(await readdir(folder), `${name} cleans up`).toEqual([])
    return stdout
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
