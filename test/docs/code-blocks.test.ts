/** What the code of the pages is marked with. `test/real/docs-code.test.ts` compiles and runs it. */
import { describe, expect, it } from 'vitest'
import { blocksOf, codeOf, lineIn, PAGES, programOf, reasonOf } from './code-blocks.ts'
import { complaintOf, isHoldall, linesOf, SHELL_BLOCKS } from './shell-blocks.ts'

const blocks = PAGES.flatMap(blocksOf)

describe('the code blocks of the pages', () => {
  it('are in a language that is checked, or plain text', () => {
    const found = new Set(blocks.map(({ language }) => language))
    const checked = ['', 'json', 'sh', 'ts', 'html', 'xml', 'text']
    expect([...found].filter(language => !checked.includes(language))).toEqual([])
  })

  it('are marked in no other way than with a reason not to run', () => {
    const marked = blocks.filter(({ info }) => info !== '')
    for (const block of marked) expect(reasonOf(block), `${block.page}:${block.line}`).toBeDefined()
  })

  it('are run, but for a few', () => {
    const kept = blocks.filter(block => reasonOf(block) !== undefined)
    expect(kept.length, kept.map(block => `${block.page}:${block.line}: ${reasonOf(block)}`).join('\n')).toBeLessThan(
      12,
    )
  })

  it('have variables that are settings, and scripts and files that exist', () => {
    const lines = SHELL_BLOCKS.flatMap(linesOf).filter(line => !isHoldall(line))
    const complaints = lines.map(line => [line.place, complaintOf(line)] as const)
    expect(complaints.filter(([, complaint]) => complaint !== undefined)).toEqual([])
  })

  it('in JSON can be parsed', () => {
    const found = blocks.filter(({ language }) => language === 'json')
    for (const { code } of found) expect(JSON.parse(code)).toBeTypeOf('object')
    expect(found.length).toBeGreaterThan(2)
  })

  it('are named by their lines', () => {
    for (const page of PAGES) {
      const program = programOf(page, false)
      for (const [index, { line, code }] of codeOf(page).entries()) {
        const { at } = program!.places[index]!
        expect(lineIn(program!, at + code.trimEnd().split('\n').length - 1), page).toBe(
          line + code.trimEnd().split('\n').length - 1,
        )
      }
    }
  })
})
