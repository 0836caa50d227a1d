import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DEFAULT_IGNORE, ignorePatterns } from '../../../src/static/ignore.ts'
import type { Finder, FinderOptions, StaticFile } from '../../../src/static/types.ts'

/** A temporary folder with files, removed at the end of its block. */
export class Tree implements Disposable {
  readonly path: string
  readonly #folders = new Set<string>()

  constructor(files: Readonly<Record<string, string>> = {}) {
    this.path = realpathSync(mkdtempSync(join(tmpdir(), 'holdall-static-')))
    for (const [name, content] of Object.entries(files)) this.write(name, content)
  }

  at(name: string): string {
    return join(this.path, name)
  }

  write(name: string, content: string | Uint8Array = name): void {
    const folder = dirname(this.at(name))
    if (!this.#folders.has(folder)) mkdirSync(folder, { recursive: true })
    this.#folders.add(folder)
    writeFileSync(this.at(name), content)
  }

  link(name: string, target: string): void {
    mkdirSync(dirname(this.at(name)), { recursive: true })
    symlinkSync(target, this.at(name))
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}

/** What a finder found, and what it reported. */
export interface Listed {
  readonly names: readonly string[]
  readonly files: readonly StaticFile[]
  readonly skipped: ReadonlyArray<readonly [path: string, reason: string, isFailure: boolean]>
}

/** All that a finder finds. */
export async function listed(
  finder: Finder,
  ignore: readonly string[] = [],
  options: Partial<FinderOptions> = {},
): Promise<Listed> {
  const files: StaticFile[] = []
  const skipped: Array<[string, string, boolean]> = []
  const onSkipped = (...report: [string, string, boolean]) => void skipped.push(report)
  const isIgnored = ignorePatterns(ignore)
  for await (const file of finder.files({ isIgnored, onSkipped, ...options })) files.push(file)
  return { names: files.map(({ name }) => name), files, skipped }
}

/** Names of what is found with the patterns of every run, and these. */
export async function namesOf(finder: Finder, ignore: readonly string[] = []): Promise<readonly string[]> {
  return (await listed(finder, [...DEFAULT_IGNORE, ...ignore])).names
}

/** The bytes of a file, as text. */
export async function textOf(file: StaticFile | undefined): Promise<string | undefined> {
  return (await file?.readUpTo(1_000_000))?.toString('utf8')
}
