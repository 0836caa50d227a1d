/** What oxc-parser finds in a script, and where it differs from us. */
import { type ParserOptions, parseSync } from 'oxc-parser'
import { isFileSpecifier, mayNameFile } from '../../../src/static/references/file-url.ts'
import { javaScriptReferences } from '../../../src/static/references/javascript.ts'

/** What both find, and what only one of them does: kind, place and URL. */
export interface Compared {
  readonly equal: number
  readonly onlyOurs: readonly string[]
  readonly onlyTheirs: readonly string[]
}

type Node = Readonly<Record<string, unknown>> & { readonly type: string; readonly start: number; readonly end: number }

/** Compares what both find in a script, without source maps; undefined where oxc-parser says that it is no JavaScript. */
export async function compared(text: string): Promise<Compared | undefined> {
  const theirs = oxcReferences(text)
  if (theirs === undefined) return undefined
  const references = await javaScriptReferences(text)
  const ours = references
    .filter(({ kind }) => kind !== 'sourceMap')
    .map(({ kind, start, end, url }) => `${kind} ${start}-${end} ${url}`)
  return {
    equal: ours.filter(reference => theirs.includes(reference)).length,
    onlyOurs: ours.filter(reference => !theirs.includes(reference)),
    onlyTheirs: theirs.filter(reference => !ours.includes(reference)),
  }
}

/** As a module, or as what is none: each has words that the other has not. */
function oxcReferences(text: string): readonly string[] | undefined {
  for (const sourceType of ['module', 'script', 'commonjs'] as const satisfies readonly ParserOptions['sourceType'][]) {
    const { errors, module, program } = parseSync('a.js', text, { sourceType, lang: 'js' })
    if (errors.length > 0) continue
    const { staticImports, staticExports, dynamicImports, importMetas } = module
    const requests = [
      ...staticImports.map(({ moduleRequest }) => moduleRequest),
      ...staticExports.flatMap(({ entries }) => entries.flatMap(({ moduleRequest }) => moduleRequest ?? [])),
    ]
    const found = requests
      .filter(({ value }) => isFileSpecifier(value))
      .map(({ start, end, value }) => `module ${start}-${end} ${value}`)
    // The tree costs much more than the record of the module.
    if (dynamicImports.length > 0 || importMetas.length > 0) found.push(...calls(program as unknown as Node))
    return [...new Set(found)]
  }
  return undefined
}

/** References in calls. */
function calls(program: Node): readonly string[] {
  const found: string[] = []
  const add = (kind: string, node: unknown, isFile: (url: string) => boolean): void => {
    const inner = withoutParentheses(node as Node)
    const url = textOf(inner)
    if (url !== undefined && isFile(url)) found.push(`${kind} ${inner.start}-${inner.end} ${url}`)
  }
  for (const node of nodesOf(program)) {
    const args = node['arguments'] as readonly Node[] | undefined
    const callee = node['callee'] as Node | undefined
    if (node.type === 'ImportExpression') add('module', node['source'], isFileSpecifier)
    else if (node.type === 'NewExpression' && isUrl(callee!) && args!.length === 2 && isMeta(args![1]!, 'url'))
      add('asset', args![0], mayNameFile)
    else if (node.type === 'CallExpression' && isMeta(callee!, 'resolve') && args!.length > 0)
      add('asset', args![0], isFileSpecifier)
  }
  return found
}

function* nodesOf(root: Node): Generator<Node> {
  const stack: unknown[] = [root]
  while (stack.length > 0) {
    const next = stack.pop()
    if (typeof next !== 'object' || next === null) continue
    if (!Array.isArray(next) && typeof (next as Node).type === 'string') yield next as Node
    stack.push(...Object.values(next))
  }
}

function withoutParentheses(node: Node): Node {
  let inner = node
  while (inner.type === 'ParenthesizedExpression') inner = inner['expression'] as Node
  return inner
}

function textOf(node: Node): string | undefined {
  if (node.type === 'Literal' && typeof node['value'] === 'string') return node['value']
  const quasis = node['quasis'] as readonly { readonly value: { readonly cooked: string } }[] | undefined
  return node.type === 'TemplateLiteral' && quasis?.length === 1 ? quasis[0]!.value.cooked : undefined
}

function nameOf(node: Node): unknown {
  return node.type === 'Identifier' ? node['name'] : undefined
}

function isUrl(callee: Node): boolean {
  if (callee.type !== 'MemberExpression') return nameOf(callee) === 'URL'
  const isGlobal = ['globalThis', 'window', 'self'].includes(String(nameOf(callee['object'] as Node)))
  return isGlobal && callee['computed'] === false && nameOf(callee['property'] as Node) === 'URL'
}

function isMeta(node: Node, name: string): boolean {
  return (
    node.type === 'MemberExpression' &&
    (node['object'] as Node).type === 'MetaProperty' &&
    node['computed'] === false &&
    nameOf(node['property'] as Node) === name
  )
}
