// Writes the lists of tracing channels in docs/recipes/tracing.md from the calls and steps in the sources. With --check it only reports whether they are out of date.
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { wrapped } from './docs-wrap.ts'

const ROOT = join(import.meta.dirname, '..')
const PAGE = join(ROOT, 'docs/recipes/tracing.md')
const FOLDERS = 'storage,files,remote,backends,serve,transfer,uploads'

/** Names that are calls and steps. */
const PARTS: ReadonlySet<string> = new Set(['cancelUpload', 'completeUpload', 'uploadPart'])

/** The names of the channels: of public calls, and of their steps. */
export interface Channels {
  readonly calls: readonly string[]
  readonly steps: readonly string[]
}

/** The channels that the sources publish on. */
export function channelsOf(): Channels {
  const files = globSync(`src/{${FOLDERS}}/**/*.ts`, { cwd: ROOT })
  const sources = files.map(file => readFileSync(join(ROOT, file), 'utf8'))
  const namesIn = (functions: string): string[] => {
    const call = new RegExp(`${functions}(?:<[^>(]*>)?\\(\\s*'(\\w+)'`, 'g')
    return sources.flatMap(text => Array.from(text.matchAll(call), ([, name]) => name!))
  }
  // A copy and a move are one function, which gets the name of the operation.
  const calls = new Set([...namesIn('(?<!#)\\bcalls\\s*\\.(?:run|local|operation)'), 'copy', 'move'])
  // Parts of uploads are steps, except that a storage over two others makes a call of each.
  const steps = new Set(namesIn('\\.step').filter(name => !calls.has(name) || PARTS.has(name)))
  return { calls: [...calls].sort(), steps: [...steps].sort() }
}

/** The page with these lists. */
export function withChannels(page: string, channels: Channels): string {
  return Object.entries(channels).reduce((text, [name, list]) => {
    const marked = new RegExp(`(<!-- ${name} -->)[\\s\\S]*?(<!-- /${name} -->)`)
    if (!marked.test(text)) throw new Error(`${PAGE}: it needs '<!-- ${name} -->' and '<!-- /${name} -->'.`)
    const names = list.map((one: string) => `\`${one}\``).join(', ')
    return text.replace(marked, (_, start, end) => `${start}\n\n${wrapped(`${names}.`)}\n\n${end}`)
  }, page)
}

if (import.meta.main) {
  const before = readFileSync(PAGE, 'utf8')
  const after = withChannels(before, channelsOf())
  const isChecking = process.argv.includes('--check')
  console.log(`channels: ${after === before ? 'up to date' : isChecking ? 'out of date' : 'written'}`)
  if (after !== before && isChecking) process.exitCode = 1
  else if (after !== before) writeFileSync(PAGE, after)
}
