/** `holdall migrate status`: what is printed of the migrations of a book, and how subcommands get their options. */
import { Command } from 'commander'
import { afterEach, describe, expect, it } from 'vitest'
import { UsageError } from '../../src/cli/context.ts'
import { MigrateWatch } from '../../src/cli/migrate-watch.ts'
import { choiceOf, chosen, type FailedName, type MigrationBook } from '../../src/cli/migration-book.ts'
import { optionsOfSubcommand } from '../../src/cli/subcommand.ts'
import type { MigrationState, MigrationStatus } from '../../src/core/migration-status.ts'
import { Tally } from '../../src/transfer/migrate/tally.ts'
import { type Captured, captured } from './captured.ts'

const AT = new Date('2026-05-20T12:00:00Z')

function status(id: string, state: MigrationState): MigrationStatus {
  const counts = new Tally({ seen: 3, copied: 3 })
  const rates = { filesPerSec: 0, bytesPerSec: 0 }
  return {
    id,
    source: 'a:',
    target: 'b:',
    state,
    pass: 'copy',
    startedAt: AT,
    updatedAt: AT,
    counts,
    ...rates,
    failures: {},
  }
}

/** A book whose migrations change each time that they are asked for. */
function bookOf(states: ReadonlyArray<readonly MigrationState[]>, failed: Iterable<FailedName> = []): MigrationBook {
  let at = 0
  return {
    title: 'the test',
    find: async choice => {
      const now = states[Math.min(at++, states.length - 1)]!
      const all = now.map((state, index) => status(`id-${index}`, state))
      return choice !== undefined && 'id' in choice ? all.filter(({ id }) => id === choice.id) : all
    },
    failures: () => failed,
  }
}

let run: Captured
afterEach(() => run.restore())

describe('migrate status', () => {
  it('prints a block for each migration', async () => {
    run = captured()
    const found = await new MigrateWatch(run.context, bookOf([['running', 'done']]), undefined, false).print()
    expect(found.map(({ state }) => state)).toEqual(['running', 'done'])
    const blocks = run.stdout().split('\n\n')
    expect(blocks.map(block => block.split('\n', 3))).toEqual([
      ['a: -> b:', '  id        id-0', '  state     running, copying'],
      ['a: -> b:', '  id        id-1', '  state     done'],
    ])
  })

  it('prints a line of JSON for each migration, and for each failed name', async () => {
    run = captured(['--json'])
    const failed = [{ name: 'a\nb', code: 'not_found', message: 'gone' }]
    await new MigrateWatch(run.context, bookOf([['running', 'failed']], failed), undefined, true).print()
    const lines = run
      .stdout()
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line))
    const failure = { type: 'failed', name: 'a\nb', code: 'not_found', message: 'gone' }
    expect(lines).toEqual([
      expect.objectContaining({ id: 'id-0', state: 'running', startedAt: AT.toISOString() }),
      { ...failure, migration: 'id-0' },
      expect.objectContaining({ id: 'id-1', state: 'failed' }),
      { ...failure, migration: 'id-1' },
    ])
  })

  it('lists any number of failed names as a stream', async () => {
    run = captured()
    const printed = (): number => (run.stdout().match(/not_found/g) ?? []).length
    const ahead: number[] = []
    function* many(): Generator<FailedName> {
      for (let made = 0; made < 300; made++) {
        ahead.push(made - printed())
        yield { name: `n${made}\x1b`, code: 'not_found', message: 'is gone' }
      }
    }
    await new MigrateWatch(run.context, bookOf([['failed']], many()), undefined, true).print()
    expect(ahead).toEqual(Array(300).fill(0))
    expect(run.stdout()).toContain('  not_found         n0\\x1b: is gone\n')
    expect(run.stdout()).toContain('  not_found         n299\\x1b: is gone\n')
  })

  it('says where it looked if there is none', async () => {
    run = captured()
    expect(await new MigrateWatch(run.context, bookOf([[]]), undefined, false).print()).toEqual([])
    expect([run.stdout(), run.stderr()]).toEqual(['', 'no migrations in the test\n'])
    await expect(chosen(bookOf([['done']]), { id: 'other' })).rejects.toMatchObject({
      code: 'not_found',
      message: "There is no migration with the id 'other' in the test.",
    })
  })

  it('prints again until all have ended', async () => {
    run = captured()
    const book = bookOf([
      ['running', 'running'],
      ['interrupted', 'done'],
      ['running', 'done'],
      ['failed', 'done'],
    ])
    const found = await new MigrateWatch(run.context, book, undefined, false).repeat(1)
    expect(found.map(({ state }) => state)).toEqual(['failed', 'done'])
    expect(run.stdout().match(/id-0\n {2}state.*/g)).toEqual(
      ['running, copying', 'interrupted, copying', 'running, copying', 'failed'].map(
        state => `id-0\n  state     ${state}`,
      ),
    )
  })

  it('ends when it is interrupted', async () => {
    run = captured()
    const watch = new MigrateWatch(run.context, bookOf([['running']]), undefined, false).repeat(3_600_000)
    run.context.stop(new Error('stopped by SIGINT'))
    await expect(watch).rejects.toThrow('aborted')
  })

  it('takes an id, or two places', async () => {
    run = captured()
    expect(await choiceOf(run.context, undefined, undefined)).toBeUndefined()
    expect(await choiceOf(run.context, 'b7c1', undefined)).toEqual({ id: 'b7c1' })
    const places = await choiceOf(run.context, '/srv/a', './b')
    expect(places).toMatchObject({ source: { title: '/srv/a' }, target: { title: `${process.cwd()}/b` } })
    for (const place of ['old:', './folder']) {
      await expect(choiceOf(run.context, place, undefined)).rejects.toThrow(UsageError)
    }
  })
})

describe('options of a subcommand', () => {
  function parsed(...args: string[]): unknown {
    const program = new Command('holdall').exitOverride()
    const parent = program.command('above').argument('<a>').option('--both <x>').option('--only').option('--no-other')
    parent.action(() => {})
    const child = parent.command('below').option('--both <x>').option('--own')
    let found: unknown
    child.action(() => {
      found = optionsOfSubcommand(child)
    })
    program.parse(args, { from: 'user' })
    return found
  }

  it('may be written before and after its name', () => {
    expect(parsed('above', 'below', '--own', '--both', '1')).toEqual({ own: true, both: '1' })
    expect(parsed('above', '--both', '1', 'below')).toEqual({ both: '1' })
  })

  it('are refused if only the command above has them', () => {
    expect(() => parsed('above', 'below', '--only')).toThrow("'above below' has no option '--only'.")
    expect(() => parsed('above', 'below', '--no-other')).toThrow("'above below' has no option '--no-other'.")
  })
})
