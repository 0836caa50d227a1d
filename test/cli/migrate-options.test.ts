/** The options of `holdall migrate`, and the URL of a fleet. */
import { Command } from 'commander'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { CliContext, UsageError } from '../../src/cli/context.ts'
import { fleetUrlOf, shownFleet } from '../../src/cli/fleet-url.ts'
import { declareMigrate, type MigrateFlags, type MigrateWish, wishOf } from '../../src/cli/migrate-flags.ts'

const NOW = new Date('2026-05-20T12:00:00Z')

function wish(...args: string[]): MigrateWish {
  const command = declareMigrate(new Command('migrate')).exitOverride()
  command.parse(args, { from: 'user' })
  return wishOf(command.opts<MigrateFlags>(), NOW)
}

describe('the options of migrate', () => {
  it('have defaults', () => {
    expect(wish()).toEqual({
      plan: {
        include: undefined,
        exclude: undefined,
        verify: 'size',
        delete: false,
        maxDelete: 50,
        allowEmptySource: false,
        times: true,
        visibility: true,
      },
      since: undefined,
      concurrency: 16,
      bandwidth: undefined,
      count: true,
      restart: false,
    })
  })

  it('are all understood', () => {
    const args =
      '--verify full --since last --delete --max-delete 5 --allow-empty-source --include a --include b --exclude c'
    const others = '--concurrency 4 --bandwidth 10M --no-times --no-visibility --no-count --restart'
    expect(wish(...`${args} ${others}`.split(' '))).toEqual({
      plan: {
        include: ['a', 'b'],
        exclude: ['c'],
        verify: 'full',
        delete: true,
        maxDelete: 5,
        allowEmptySource: true,
        times: false,
        visibility: false,
      },
      since: 'last',
      concurrency: 4,
      bandwidth: 10_000_000,
      count: false,
      restart: true,
    })
    expect(wish('--no-verify').plan.verify).toBe(false)
    expect(wish('--verify', 'sample').plan.verify).toBe('sample')
  })

  it.each([
    ['2026-05-01', '2026-05-01T00:00:00.000Z'],
    ['2026-05-01T10:30', '2026-05-01T10:30:00.000Z'],
    ['2026-05-01 10:30:15', '2026-05-01T10:30:15.000Z'],
    ['2026-05-01T10:30:15.25Z', '2026-05-01T10:30:15.250Z'],
    ['2026-05-01T10:30:00+02:00', '2026-05-01T08:30:00.000Z'],
    ['7d', '2026-05-13T12:00:00.000Z'],
    ['90s', '2026-05-20T11:58:30.000Z'],
    ['12h', '2026-05-20T00:00:00.000Z'],
  ])('--since %s is %s', (text, expected) => {
    expect((wish('--since', text).since as Date).toISOString()).toBe(expected)
  })

  it.each([
    ['500', 500],
    ['500K', 500_000],
    ['10m', 10_000_000],
    ['1.5G', 1_500_000_000],
    ['2MB', 2_000_000],
  ])('--bandwidth %s is %d bytes per second', (text, expected) => {
    expect(wish('--bandwidth', text).bandwidth).toBe(expected)
  })

  it.each([
    [['--verify', 'all'], "--verify: expected full, sample or size, got 'all'."],
    [['--delete', '--no-verify'], '--delete needs the comparison'],
    [['--max-delete', '101'], '--max-delete: expected a percentage from 0 to 100'],
    [['--max-delete', ''], '--max-delete: expected a percentage'],
    [['--concurrency', '0'], '--concurrency: expected a whole number of at least 1'],
    ...['0', '-5', '10X', 'M', '0.0001', '1e3'].map((text): [string[], string] => [
      [`--bandwidth=${text}`],
      '--bandwidth: expected a number of bytes',
    ]),
    ...['yesterday', '', '2026-02-30', '2026-13-01', '2026-05-01T25:00', '01.05.2026', '7w', '2026'].map(
      (text): [string[], string] => [[`--since=${text}`], '--since: expected a time'],
    ),
  ])('%j is a usage error', (args, message) => {
    expect(() => wish(...args)).toThrow(UsageError)
    expect(() => wish(...args)).toThrow(message)
  })
})

describe('the URL of a fleet', () => {
  afterEach(() => {
    vi.unstubAllEnvs()
    vi.restoreAllMocks()
  })

  function contextWith(messages: string[] = []): CliContext {
    const context = new CliContext(new Command('holdall'))
    vi.spyOn(context.out, 'warn').mockImplementation(text => void messages.push(text))
    vi.spyOn(context, 'config').mockResolvedValue({} as never)
    return context
  }

  it('is that of the option, or that of the environment', async () => {
    vi.stubEnv('HOLDALL_FLEET_URL', 'postgres://of.the.environment/a')
    const context = contextWith()
    expect(await fleetUrlOf(context, 'postgresql://of.the.option/b')).toBe('postgresql://of.the.option/b')
    expect(await fleetUrlOf(context, undefined)).toBe('postgres://of.the.environment/a')
    vi.stubEnv('HOLDALL_FLEET_URL', '')
    expect(await fleetUrlOf(context, undefined)).toBeUndefined()
    vi.stubEnv('HOLDALL_FLEET_URL', undefined)
    expect(await fleetUrlOf(context, undefined)).toBeUndefined()
  })

  it('may come from the .env file of the configuration', async () => {
    vi.stubEnv('HOLDALL_FLEET_URL', undefined)
    const context = contextWith()
    vi.spyOn(context, 'config').mockImplementation(async () => {
      vi.stubEnv('HOLDALL_FLEET_URL', 'postgres://of.the.file/a')
      return {} as never
    })
    expect(await fleetUrlOf(context, undefined)).toBe('postgres://of.the.file/a')
  })

  it.each(['postgres://me:pa55word@host/db', 'postgres://host/db?password=pa55word'])(
    'warns of a password in the argument, and does not print it: %s',
    async url => {
      const messages: string[] = []
      await fleetUrlOf(contextWith(messages), url)
      expect(messages).toEqual([expect.stringContaining('use HOLDALL_FLEET_URL instead')])
      expect(messages.join()).not.toContain('pa55word')
      vi.stubEnv('HOLDALL_FLEET_URL', url)
      messages.length = 0
      await fleetUrlOf(contextWith(messages), undefined)
      expect(messages).toEqual([])
    },
  )

  it.each([
    ['mysql://me:pa55word@host/db', "begins with 'mysql:'"],
    ['pa55word', 'this is no URL'],
    ['', 'this is no URL'],
    ['postgres://me:pa55word:x@host:port/db', 'this is no URL'],
    ['postgres://me:5/pa55word@host/db', 'must be percent-encoded'],
    ['postgres://me:5#pa55word@host/db', 'must be percent-encoded'],
  ])('%j is a usage error without its password', async (url, message) => {
    const error = await fleetUrlOf(contextWith(), url).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(UsageError)
    expect((error as Error).message).toMatch(/^--fleet: expected the URL of a PostgreSQL database/)
    expect((error as Error).message).toContain(message)
    expect((error as Error).message).not.toContain('pa55word')
  })

  it('is shown without user and password', () => {
    expect(shownFleet('postgresql://me:pa55word@host:5433/db?sslmode=require&password=x')).toBe(
      'postgres://host:5433/db',
    )
  })
})
