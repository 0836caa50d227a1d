import { describe, expect, it } from 'vitest'
import { ADAPTERS, EXAMPLES, PAGES, PROGRAMS, runExample } from './orm-examples.ts'

it('every adapter has its page and its program', () => {
  expect(PAGES).toEqual(ADAPTERS)
  expect(PROGRAMS).toEqual(ADAPTERS)
})

describe.each(EXAMPLES)('docs/orm/$name.md', example => {
  const { name, page, program, needsUrl } = example

  it('shows the program word for word, first of all code', () => {
    const first = /```(?:ts|typescript)\n(.*?)```/s.exec(page)?.[1]
    expect(first).toBe(program)
  })

  it('imports only holdall and the ORM', () => {
    const imported = [...program.matchAll(/^(?:import|export)\b[^'"]*?from '([^']+)'/gm)].map(([, from]) => from!)
    expect(imported).toContain(`holdall/${name}`)
    const local = imported.filter(from => from.startsWith('.') && !from.startsWith(`./${name}/`))
    expect(local, 'what a reader does not have').toEqual([])
  })

  if (name === 'mongoose') {
    it('is of a program that runs', async () => {
      const path = '../servers/mongo.ts'
      const { startMongo } = (await import(path)) as {
        startMongo(): Promise<{ readonly url: string } & AsyncDisposable>
      }
      await using server = await startMongo()
      await runExample(example, server.url)
    })
    return
  }
  // Those that need a server run with the real ones: test/real/orm-examples.test.ts.
  if (needsUrl) return
  it('is of a program that runs', () => runExample(example))
})
