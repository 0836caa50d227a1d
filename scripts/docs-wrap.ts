/**
 * Wraps the prose of README.md and of the pages in docs/ at 120 columns: `npm run docs:wrap`. With `--check` it writes nothing and fails where a page
 * is wrapped otherwise. Tables, code, headings, HTML and link definitions stay as they are.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')
const WIDTH = 120
/** A line that no prose is joined with. */
const FIXED = /^\s*(?:#{1,6} |\||<|\[[^\]]+\]:|!\[|---|===|:::)|^(?: {4}|\t)/
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])( +)/

/** A page with its prose wrapped. */
export function wrapped(page: string): string {
  const out: string[] = []
  let paragraph: string[] = []
  let fence: string | undefined
  let isList = false
  const flush = (): void => {
    if (paragraph.length > 0) out.push(...wrapParagraph(paragraph))
    paragraph = []
  }
  for (const line of page.split('\n')) {
    const mark = /^\s*(`{3,}|~{3,})/.exec(line)?.[1]
    if (fence !== undefined) {
      out.push(line)
      if (mark?.startsWith(fence) && line.trim() === mark) fence = undefined
    } else if (mark !== undefined) {
      flush()
      out.push(line)
      fence = mark
    } else if (line.trim() === '' || isFixed(line, isList || paragraph.length > 0)) {
      flush()
      out.push(line)
      if (line.trim() !== '' && !/^\s/.test(line)) isList = false
    } else {
      if (ITEM.test(line)) {
        flush()
        isList = true
      } else if (paragraph.length === 0 && !/^\s/.test(line)) isList = false
      paragraph.push(line)
      // Two blanks or a backslash at the end break the line.
      if (/(?: {2}|\\)$/.test(line)) flush()
    }
  }
  flush()
  return out.join('\n')
}

/** Whether a line stands by itself. Four blanks make code, but not within a list. */
function isFixed(line: string, isInside: boolean): boolean {
  return FIXED.test(line) && !(isInside && /^(?: {4}|\t)/.test(line) && !/^\s*[#|<[!]/.test(line))
}

function wrapParagraph(lines: readonly string[]): string[] {
  const [first = ''] = lines
  const item = ITEM.exec(first)
  const quote = /^\s*(?:> ?)+/.exec(first)?.[0]
  const indent = item?.[0] ?? quote ?? /^\s*/.exec(first)![0]
  const rest = quote ?? ' '.repeat(indent.length)
  const text = lines.map((line, at) => (at === 0 ? line.slice(indent.length) : without(line, quote))).join(' ')
  const hasBreak = /(?: {2}|\\)$/.test(lines.at(-1)!)
  const out: string[] = []
  let current = indent
  let isEmpty = true
  for (const word of words(text)) {
    if (
      !isEmpty &&
      current.length + 1 + word.length > WIDTH &&
      !ITEM.test(`${word} `) &&
      !/^(?:#{1,6}|>|\||=+|-+)/.test(word)
    ) {
      out.push(current)
      current = rest
      isEmpty = true
    }
    current += isEmpty ? word : ` ${word}`
    isEmpty = false
  }
  out.push(hasBreak && !current.endsWith('\\') ? `${current}  ` : current)
  return out
}

function without(line: string, quote: string | undefined): string {
  return quote === undefined ? line.trim() : line.replace(/^\s*(?:> ?)+/, '').trim()
}

/** Words; code in backticks is one, since a break in it would be read as a blank. */
function words(text: string): string[] {
  const found: string[] = []
  let open = ''
  for (const word of text.split(/ +/).filter(each => each !== '')) {
    open = open === '' ? word : `${open} ${word}`
    if ((open.match(/`/g)?.length ?? 0) % 2 === 1) continue
    found.push(open)
    open = ''
  }
  return open === '' ? found : [...found, ...open.split(' ')]
}

if (import.meta.main) {
  const isCheck = process.argv.includes('--check')
  const pages = [
    'README.md',
    'CONTRIBUTING.md',
    'CHANGELOG.md',
    'SECURITY.md',
    ...globSync('docs/**/*.md', { cwd: ROOT }),
  ]
  const changed = pages.filter(page => {
    const text = readFileSync(join(ROOT, page), 'utf8')
    const result = wrapped(text)
    if (result === text) return false
    if (!isCheck) writeFileSync(join(ROOT, page), result)
    return true
  })
  const shown = changed.length === 0 ? '' : `: ${changed.join(', ')}`
  console.log(`${pages.length} pages, ${changed.length} ${isCheck ? 'wrapped otherwise' : 'written'}${shown}`)
  if (isCheck && changed.length > 0) process.exitCode = 1
}
