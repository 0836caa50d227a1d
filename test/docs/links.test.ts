/** Links between the pages lead to files that exist, and to headings that they have; those of the packed pages lead to packed files. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const pages = globSync(['*.md', 'docs/**/*.md'], { cwd: ROOT })

/** What npm packs, by `files` of package.json: files and folders, without what follows a `!`. */
function packedFiles(): Set<string> {
  const { files } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { files: string[] }
  const within = (patterns: readonly string[]): string[] =>
    globSync(
      patterns.flatMap(pattern => [pattern, `${pattern}/**`]),
      { cwd: ROOT },
    )
  const left = new Set(within(files.filter(name => name.startsWith('!')).map(name => name.slice(1))))
  const packed = within(files.filter(name => name !== 'dist' && !name.startsWith('!')))
  return new Set(packed.filter(file => !left.has(file)))
}

/** A page without its code blocks and comments. */
const textOf = (page: string): string =>
  readFileSync(join(ROOT, page), 'utf8')
    .replace(/^ *```[\s\S]*?^ *```$/gm, '')
    .replace(/<!--[\s\S]*?-->/g, '')

const anchors = new Map<string, readonly string[]>()

/** The anchors that GitHub makes of headings. */
function anchorsOf(page: string): readonly string[] {
  const known = anchors.get(page) ?? readAnchors(page)
  anchors.set(page, known)
  return known
}

function readAnchors(page: string): string[] {
  const headings = [...textOf(page).matchAll(/^#+ (.+)$/gm)].map(([, heading]) => heading!)
  const plain = headings.map(heading => heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase())
  return plain.map(heading => heading.replace(/[^\p{L}\p{N}\s_-]/gu, '').replace(/\s/g, '-'))
}

/** The links of a page, also of images in HTML, that are no addresses. */
function linksOf(page: string): string[] {
  const text = textOf(page).replace(/(?<!`)`[^`\n]+`(?!`)/g, '')
  const links = [...text.matchAll(/\]\(([^)\s]+)(?: "[^"]*")?\)|\b(?:src|href)="([^"]+)"|^\[[^\]]+\]: (\S+)/gm)]
  return links.map(([, link, html, named]) => (link ?? html ?? named)!).filter(link => !/^(https?|mailto):/.test(link))
}

/** The file of the project that a link leads to. */
const targetOf = (page: string, link: string): string => {
  const [path] = link.split('#', 1)
  return path === '' ? page : join(dirname(page), path!)
}

it.each(pages)('the links of %s', page => {
  const broken = linksOf(page).filter(link => {
    const target = targetOf(page, link)
    if (!existsSync(join(ROOT, target))) return true
    const [, anchor] = link.split('#', 2)
    return anchor !== undefined && target.endsWith('.md') && !anchorsOf(target).includes(anchor)
  })
  expect(broken).toEqual([])
})

describe('the package', () => {
  const packed = packedFiles()

  it('has the pages that a user reads, and not those of the project itself', () => {
    for (const file of ['README.md', 'docs/guide.md', 'docs/backends/s3.md', 'docs/recipes/express.md'])
      expect(packed).toContain(file)
    for (const file of ['docs/architecture.md', 'CONTRIBUTING.md', 'src/index.ts']) expect(packed).not.toContain(file)
  })

  it.each(pages.filter(page => packed.has(page)))('has what %s links to', page => {
    expect(linksOf(page).filter(link => !packed.has(targetOf(page, link)))).toEqual([])
  })
})
