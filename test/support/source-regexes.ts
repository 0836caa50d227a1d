import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseSync, Visitor } from 'rolldown/utils'

const root = join(import.meta.dirname, '../..')

/** Every regular expression that is written in `src`, and where. */
export function sourceRegexes(): ReadonlyArray<readonly [title: string, regex: RegExp]> {
  const found: Array<readonly [string, RegExp]> = []
  for (const path of globSync('src/**/*.ts', { cwd: root }).sort()) {
    const text = readFileSync(join(root, path), 'utf8')
    new Visitor({
      Literal(node) {
        if (!('regex' in node)) return
        const { pattern, flags } = node.regex
        const line = text.slice(0, node.start).split('\n').length
        found.push([`${path}:${line} ${node.raw}`, new RegExp(pattern, flags)])
      },
    }).visit(parseSync(path, text).program)
  }
  return found
}
