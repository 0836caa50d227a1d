/** What css-tree finds in a stylesheet, and why it differs. */
import { type CssNode, parse, walk } from 'css-tree'
import { sourceMapUrl } from '../../../src/static/references/css-text.ts'
import { referencesOf } from './css-support.ts'

/** Why css-tree finds another thing than we do. */
export type Kind =
  | 'a name with escapes'
  | 'a string in a function of images'
  | 'a value that css-tree does not read'
  | 'compared and never fetched'

/** A difference; the kind is undefined where none explains it. */
export interface Difference {
  readonly finder: 'ours' | 'css-tree'
  readonly url: string
  readonly kind: Kind | undefined
}

interface Found {
  /** Where the `url()` or the string begins. */
  readonly start: number
  readonly url: string
}

interface Range {
  readonly start: number
  readonly end: number
}

/** What both find in a stylesheet, without source maps. */
export function compared(text: string): { readonly equal: number; readonly differences: readonly Difference[] } {
  const theirs = new CssTree(text)
  const ours = ourReferences(text)
  const key = ({ start, url }: Found): string => `${start} ${url}`
  const [ourKeys, theirKeys] = [new Set(ours.map(key)), new Set(theirs.found.map(key))]
  const onlyOurs = ours.filter(reference => !theirKeys.has(key(reference)))
  const onlyTheirs = theirs.found.filter(reference => !ourKeys.has(key(reference)))
  return {
    equal: ours.length - onlyOurs.length,
    differences: [
      ...onlyOurs.map(({ start, url }) => ({ finder: 'ours', url, kind: ourKind(text, start, theirs) }) as const),
      ...onlyTheirs.map(({ start, url }) => ({ finder: 'css-tree', url, kind: theirKind(start, theirs) }) as const),
    ],
  }
}

/** URLs of the source maps: ours, and that of the last comment that names one among those css-tree sees. */
export function comparedSourceMaps(text: string): readonly [ours: readonly string[], theirs: readonly string[]] {
  const ours = referencesOf(text).filter(({ kind }) => kind === 'sourceMap')
  const comments: string[] = []
  parse(text, { onComment: value => comments.push(value), onParseError() {} })
  const last = comments.flatMap(comment => sourceMapUrl(`/*${comment}*/`) ?? []).at(-1)
  return [ours.map(({ url }) => url), last === undefined ? [] : [last]]
}

function ourReferences(text: string): readonly Found[] {
  return referencesOf(text)
    .filter(({ kind }) => kind !== 'sourceMap')
    .map(({ start, end, url }) => {
      const string = text[start] === '@' ? text.slice(start, end).search(/["']/) : 0
      return { start: start + string, url }
    })
}

function ourKind(text: string, start: number, { raw }: CssTree): Kind | undefined {
  const name = /^[^("']*/.exec(text.slice(start, start + 50))![0]
  const before = text.slice(Math.max(0, start - 50), start)
  if (name.includes('\\') || /@[a-z]*\\[^"';]*$/i.test(before)) return 'a name with escapes'
  if (raw.some(range => range.start <= start && start < range.end)) return 'a value that css-tree does not read'
  if (/["']/.test(text[start]!)) return 'a string in a function of images'
  return undefined
}

function theirKind(start: number, { conditions }: CssTree): Kind | undefined {
  return conditions.some(range => range.start <= start && start < range.end) ? 'compared and never fetched' : undefined
}

/** A stylesheet that css-tree has parsed. */
class CssTree {
  readonly found: readonly Found[]
  /** What it keeps as text, since it does not understand it. */
  readonly raw: readonly Range[]
  /** What stands between the name of an at-rule and its block; of `@import`, what follows the URL. */
  readonly conditions: readonly Range[]

  constructor(text: string) {
    const [found, raw, conditions]: [Found[], Range[], Range[]] = [[], [], []]
    const add = (node: CssNode, url: string): void => {
      // The browser takes blanks around a URL for no part of it, and one without characters for none.
      if (url.trim() !== '') found.push({ start: rangeOf(node).start, url: url.trim() })
    }
    const tree = parse(text, { positions: true, parseCustomProperty: true, onParseError() {} })
    walk(tree, node => {
      if (node.type === 'Raw') raw.push(rangeOf(node))
      if (node.type === 'Url') add(node, node.value)
      if (node.type !== 'Atrule' || node.prelude?.type !== 'AtrulePrelude') return
      const first = node.prelude.children.first!
      const isImport = node.name.toLowerCase() === 'import'
      if (isImport && first.type === 'String') add(first, first.value)
      const { start, end } = rangeOf(node.prelude)
      if (isImport) conditions.push({ start: rangeOf(first).end, end })
      if (/^(?:namespace|supports|(?:-moz-)?document)$/i.test(node.name)) conditions.push({ start, end })
    })
    this.found = found
    this.raw = raw
    this.conditions = conditions
  }
}

function rangeOf({ loc }: CssNode): Range {
  return { start: loc!.start.offset, end: loc!.end.offset }
}
