/** Links between the pages lead to files that exist, and to headings that they have. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const pages = globSync(['*.md', 'docs/**/*.md'], { cwd: ROOT })

/** The anchors that GitHub makes of headings. */
function anchorsOf(text: string): string[] {
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => heading!)
  const plain = headings.map(heading => heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase())
  return plain.map(heading => heading.replace(/[^\p{L}\p{N}\s_-]/gu, '').replace(/\s/g, '-'))
}

it.each(pages)('the links of %s', page => {
  const text = readFileSync(join(ROOT, page), 'utf8').replace(/^ *```[\s\S]*?^ *```$/gm, '')
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!)
  const broken = links.filter(link => {
    if (/^(https?|mailto):/.test(link)) return false
    const [path, anchor] = link.split('#', 2)
    const target = path === '' ? join(ROOT, page) : join(ROOT, dirname(page), path!)
    if (!existsSync(target)) return true
    return anchor !== undefined && target.endsWith('.md') && !anchorsOf(readFileSync(target, 'utf8')).includes(anchor)
  })
  expect(broken).toEqual([])
})
