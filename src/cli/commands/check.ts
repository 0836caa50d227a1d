import type { Command } from 'commander'
import type { StorageClass } from '../../config/backends.ts'
import type { HoldallSettings } from '../../config/configure.ts'
import type { Storages } from '../../config/storages.ts'
import { redactOptions, type SettingsOf } from '../../core/settings.ts'
import { partsOf } from '../../storage/parts.ts'
import type { AnyStorage } from '../../storage/storage.ts'
import { copyNote } from '../../storage/supports.ts'
import type { Feature } from '../../storage/types.ts'
import { settingsAdvice } from '../advice.ts'
import { type CliContext, UsageError } from '../context.ts'
import { paint, printable, table } from '../output.ts'
import { placeAdvice } from '../place-advice.ts'
import { isMissing, plain, probe, type Step } from '../probe.ts'
import { checkStaticFiles, hasStaticFiles, servingProblem } from '../static-check.ts'
import { counted } from '../tally.ts'
import { hasAlias, splitTarget } from '../target.ts'
import { arePlaces, type CompareFlags, comparePlaces, declareComparison } from './compare.ts'
import { isLocalPath } from './places.ts'

/** The result for one storage. */
interface Report {
  readonly alias: string
  readonly backend: string
  /** Whether all steps succeeded; null in a dry run, which makes too few requests to know. */
  readonly ok: boolean | null
  readonly options: readonly {
    readonly name: string
    readonly value: unknown
    readonly from: string
    readonly key: string
  }[]
  readonly features: Readonly<Record<string, boolean>>
  /** Where the bytes of a copy within the storage go. */
  readonly copies?: string | undefined
  readonly steps: readonly Step[]
}

const FEATURES: readonly Feature[] = [
  'ranges',
  'exclusiveCreate',
  'ifMatch',
  'metadata',
  'versions',
  'copy',
  'move',
  'path',
  'publicUrl',
  'signedUrl',
  'createContainer',
  'containers',
]

/**
 * `holdall check`: explains the configuration and tests each storage with a probe file that it removes again; with two places
 * (`alias:path`) it compares them.
 */
export function check(program: Command, context: CliContext): void {
  const command = program
    .command('check')
    .description(
      'explain the configuration and test each storage with a probe file (--dry-run only connects); or compare two places',
    )
    .argument('[aliases...]', 'storages to check, all when none is named; or SOURCE and TARGET (alias:path)')
    .option('--all', 'show also options that have their default value')
  declareComparison(command).action((given: string[], options: { readonly all?: boolean } & CompareFlags) =>
    isComparison(given) ? comparePlaces(context, given, options) : run(context, given, options.all === true),
  )
}

async function run(context: CliContext, given: readonly string[], all: boolean): Promise<void> {
  const { out } = context
  const place = given.find(text => isLocalPath(text) || splitTarget(text).path.includes('/'))
  if (place !== undefined) {
    throw new UsageError(`check: '${place}' is a place: name two to compare them, or aliases to check their storages.`)
  }
  const loaded = await context.config()
  const advice = settingsAdvice({ settings: loaded.settings, env: process.env })
  await out.line(`configuration  ${loaded.file ?? 'none found: the defaults and the environment count'}`)
  if (loaded.envFile !== undefined) await out.line(`environment    ${loaded.envFile}`)
  const storages = await context.storages()
  const isStatic = hasStaticFiles(loaded.settings, process.env) && (given.length === 0 || given.includes('staticfiles'))
  const found = isStatic ? await checkStaticFiles(storages.aliases()) : undefined
  advice.push(...(found?.advice ?? []))
  for (const message of advice) out.warn(message)
  const reports: Report[] = []
  const aliases = given.length > 0 ? given.map(aliasIn) : configuredAliases(storages, loaded.settings)
  context.whenInterrupted(() => `${reports.length} of ${counted(aliases.length, 'storage')} checked`)
  for (const alias of aliases) {
    const report = await reportOn(context, alias)
    reports.push(report)
    await show(context, report, all)
    const isBuilt = report.steps[0]?.name !== 'configure'
    for (const [index, part] of (isBuilt ? partsOf(storages.get(alias)) : []).entries()) {
      const own = await reportOf(context, `${alias}, storage ${index + 1}`, part)
      reports.push(own)
      await show(context, own, all)
    }
    const serving = report.ok === false ? undefined : servingProblem(storages.get(alias), alias)
    for (const problem of [...(isBuilt ? placeAdvice(storages.get(alias), alias) : []), serving]) {
      if (problem === undefined) continue
      advice.push(problem)
      out.warn(problem)
    }
  }
  await out.document({ file: loaded.file ?? null, envFile: loaded.envFile ?? null, advice, storages: reports })
  if (found?.isFailure === true || reports.some(report => report.ok === false)) context.exitCode = 1
}

/** Whether the arguments are places to compare; one whole storage, `alias:`, is tested like its alias. */
function isComparison(given: readonly string[]): boolean {
  return arePlaces(given) && (given.length > 1 || splitTarget(given[0]!).path !== '')
}

/** Returns the alias, also of an argument written as the place `alias:`. */
function aliasIn(text: string): string {
  const { alias, path } = splitTarget(text)
  return hasAlias(text) && path === '' ? alias : text
}

/** Returns all aliases, except a `staticfiles` that is not configured and has no folder. */
function configuredAliases(storages: Storages, settings: HoldallSettings): string[] {
  const named = [
    settings.STORAGES,
    settings.STATICFILES_STORAGE,
    process.env['STORAGES'],
    process.env['STATICFILES_STORAGE'],
  ]
  if (named.some(value => value !== undefined) || hasStaticFiles(settings, process.env)) return storages.aliases()
  return storages
    .aliases()
    .filter(alias => alias !== 'staticfiles' || storages.get(alias).origins['location']?.from !== 'default')
}

async function reportOn(context: CliContext, alias: string): Promise<Report> {
  const storages = await context.storages()
  let storage: AnyStorage
  try {
    storage = storages.get(alias)
  } catch (error) {
    return {
      alias,
      backend: '-',
      ok: false,
      options: [],
      features: {},
      steps: [{ name: 'configure', state: 'failed', ok: false, ms: 0, error: plain(error) }],
    }
  }
  return reportOf(context, alias, storage)
}

/** Tests a storage; `alias` is how it is shown. */
async function reportOf(context: CliContext, alias: string, storage: AnyStorage): Promise<Report> {
  const backend = storage.constructor as unknown as StorageClass
  const values = redactOptions(backend.settings as SettingsOf<object>, storage.options as object)
  const options = Object.entries(values).map(([name, value]) => ({ name, value, ...storage.origins[name]! }))
  const isDryRun = context.options.dryRun === true
  const steps = await probe(storage, { signal: context.signal, isDryRun })
  const hasFailed = steps.some(step => step.ok === false)
  const ok = hasFailed ? false : isDryRun ? null : true
  const features = Object.fromEntries(!hasFailed ? FEATURES.map(name => [name, storage.supports(name)]) : [])
  const copies = hasFailed ? undefined : copyNote(storage.calls.driver, storage.features)
  return { alias, backend: backend.name, ok, options, features, copies, steps }
}

async function show(context: CliContext, report: Report, all: boolean): Promise<void> {
  const { out } = context
  await out.line('')
  const outcome = { true: paint('green', 'ok'), false: paint('red', 'failed'), null: paint('yellow', 'not asked') }
  await out.line(`${paint('bold', report.alias)}  ${report.backend}  ${outcome[`${report.ok}`]}`)
  const options = report.options.filter(option => all || option.from !== 'default')
  if (options.length > 0) {
    const rows = options.map(({ name, value, from, key }) => [
      name,
      printable(JSON.stringify(value) ?? String(value)),
      from === 'default' ? 'default' : `${from} ${key}`,
    ])
    await out.line(table(['option', 'value', 'from'], rows))
  }
  for (const { name, state, ms, error, note } of report.steps) {
    const reason = note ?? (error === undefined ? '' : String((error as { message?: unknown }).message))
    const time = ms === undefined ? '' : ` ${ms} ms`
    await out.line(`  ${name.padEnd(9)} ${paint(COLOURS[state], state)}${time}${reason && `  ${printable(reason)}`}`)
    if (isMissing(error))
      await out.line(`            'holdall containers ${report.alias} --create' makes a missing container`)
  }
  const supported = Object.entries(report.features)
  const names = (wanted: boolean) =>
    supported
      .filter(([, has]) => has === wanted)
      .map(([name]) => name)
      .join(', ')
  if (names(true) !== '') await out.line(`  supported: ${names(true)}`)
  if (names(false) !== '') await out.line(`  not supported: ${names(false)}`)
  if (report.copies !== undefined) await out.line(`  a copy within it: ${report.copies}`)
}

const COLOURS = { ok: 'green', failed: 'red', anonymous: 'yellow', 'not asked': 'yellow' } as const
