/** Every code block of the README and of `docs` compiles, and runs: on servers of the tests, in memory or on the disk. */
import { describe, expect, it, vi } from 'vitest'
import { codeOf, PAGES, programOf, reasonOf } from '../docs/code-blocks.ts'
import { compile, run } from '../docs/compile.ts'
import { examplePrograms, withMissing } from '../docs/reference-examples.ts'
import { isHoldall, linesOf, runBlock, SHELL_BLOCKS } from '../docs/shell-blocks.ts'

const programs = (isRun: boolean) => PAGES.map(page => programOf(page, isRun)).filter(program => program !== undefined)

// Two processors and real servers beside it.
vi.setConfig({ testTimeout: 300_000 })

it('compiles', () => {
  expect(compile(programs(false))).toEqual([])
  const broken = programs(false)
    .slice(0, 1)
    .map(program => ({ ...program, text: `${program.text}\nconst a: string = 1\n` }))
  expect(compile(broken), 'an error is found').toHaveLength(1)
})

describe('runs', () => {
  it.each(programs(true).map(program => [program.page, program] as const))('%s', async (_, program) => {
    await run(program)
  })

  it('all but a few blocks', () => {
    const kept = PAGES.flatMap(codeOf).filter(block => reasonOf(block) !== undefined)
    console.info(kept.map(block => `not run: ${block.page}:${block.line}: ${reasonOf(block)}`).join('\n'))
  })
})

describe('has commands that succeed', () => {
  const commands = SHELL_BLOCKS.filter(block => linesOf(block).some(isHoldall))
  it.each(commands.map(block => [`${block.page}:${block.line}`, block] as const))('%s', (_, block) => {
    expect(runBlock(block)).toEqual([])
  })
})

it('compiles the examples of the doc comments', () => {
  const options = { verbatimModuleSyntax: false, noImplicitAny: false, erasableSyntaxOnly: false }
  const examples = examplePrograms()
  expect(examples.length).toBeGreaterThan(50)
  // They name what a reader has; the compiler reports those names first.
  const programs = withMissing(examples, compile(examples, options))
  expect(compile(programs, options)).toEqual([])
})
