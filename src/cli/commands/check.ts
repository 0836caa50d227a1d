import type { Command } from 'commander'
import type { StorageClass } from '../../config/backends.ts'
import type { HoldallSettings } from '../../config/configure.ts'
import type { Storages } from '../../config/storages.ts'
import { nodeCrypto } from '../../core/builtin.ts'
import { isStorageError } from '../../core/errors.ts'
import { redactOptions, type SettingsOf } from '../../core/settings.ts'
import type { AnyStorage } from '../../storage/storage.ts'
import type { Feature } from '../../storage/types.ts'
import { settingsAdvice } from '../advice.ts'
import type { CliContext } from '../context.ts'
import { paint, printable, table } from '../output.ts'
import { checkStaticFiles, hasStaticFiles, servingProblem } from '../static-check.ts'
import { arePlaces, type CompareFlags, comparePlaces, declareComparison } from './compare.ts'

/** One thing that was tried with a storage. */
interface Step {
  readonly name: string
  readonly ok: boolean
  readonly ms: number
  readonly error?: unknown
}

/** What was found about one storage. */
interface Report {
  readonly alias: string
  readonly backend: string
  readonly ok: boolean
  readonly options: readonly {
    readonly name: string
    readonly value: unknown
    readonly from: string
    readonly key: string
  }[]
  readonly features: Readonly<Record<string, boolean>>
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
 * `holdall check`: explains the configuration and tries each storage with a probe file that it removes again; with two places (`alias:path`) it compares
 * them.
 */
export function check(program: Command, context: CliContext): void {
  const command = program
    .command('check')
    .description('explain the configuration and try each storage with a probe file; or compare two places')
    .argument('[aliases...]', 'storages to check, all when none is named; or SOURCE and TARGET (alias:path)')
    .option('--all', 'show also options that have their default value')
  declareComparison(command).action((given: string[], options: { readonly all?: boolean } & CompareFlags) =>
    arePlaces(given) ? comparePlaces(context, given, options) : run(context, given, options.all === true),
  )
}

async function run(context: CliContext, given: readonly string[], all: boolean): Promise<void> {
  const { out } = context
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
  for (const alias of given.length > 0 ? given : configuredAliases(storages, loaded.settings)) {
    const report = await reportOn(context, alias)
    reports.push(report)
    await show(context, report, all)
    const problem = report.ok ? servingProblem(storages.get(alias), alias) : undefined
    if (problem === undefined) continue
    advice.push(problem)
    out.warn(problem)
  }
  await out.document({ file: loaded.file ?? null, envFile: loaded.envFile ?? null, advice, storages: reports })
  if (found?.isFailure === true || reports.some(report => !report.ok)) context.exitCode = 1
}

/** All aliases, but not the `staticfiles` that nobody configured and that has no folder. */
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
      steps: [{ name: 'configure', ok: false, ms: 0, error: plain(error) }],
    }
  }
  const backend = storage.constructor as unknown as StorageClass
  const values = redactOptions(backend.settings as SettingsOf<object>, storage.options as object)
  const options = Object.entries(values).map(([name, value]) => ({ name, value, ...storage.origins[name]! }))
  const steps = await probe(context, storage)
  const ok = steps.every(step => step.ok)
  const features = Object.fromEntries(ok ? FEATURES.map(name => [name, storage.supports(name)]) : [])
  return { alias, backend: backend.name, ok, options, features, steps }
}

async function probe(context: CliContext, storage: AnyStorage): Promise<Step[]> {
  const { signal } = context
  const steps: Step[] = []
  const step = async (name: string, work: () => unknown): Promise<boolean> => {
    const started = performance.now()
    const ms = () => Math.round(performance.now() - started)
    try {
      await work()
      steps.push({ name, ok: true, ms: ms() })
      return true
    } catch (error) {
      steps.push({ name, ok: false, ms: ms(), error: plain(error) })
      return false
    }
  }
  const folder = `${PROBE}${nodeCrypto().randomUUID()}`
  let name = `${folder}/probe.txt`
  if (!(await step('connect', () => reach(storage, name, signal)))) return steps
  if (context.options.dryRun === true) return steps
  if (storage.options.readOnly) {
    await step('list', () => storage.entries('', { signal }).next())
    return steps
  }
  const bytes = Buffer.from(`Written by 'holdall check', which removes it again. ${folder}\n`)
  const write = async () => {
    await storage.discover({ signal })
    name = await storage.save(name, bytes, { signal })
  }
  if (!(await step('write', write))) {
    await remove(storage, name, folder).catch(() => {}) // Whether a part of it was done is not known.
    return steps
  }
  try {
    await step('read', () => readBack(storage, name, bytes, signal))
    await step('list', () => findListed(storage, folder, name, signal))
    await step('url', () => urlOf(storage, name, signal))
  } finally {
    await step('delete', () => remove(storage, name, folder))
  }
  return steps
}

const PROBE = 'holdall-check-'

/** One request: a server that answers it, in whatever way, is reached. */
async function reach(storage: AnyStorage, name: string, signal: AbortSignal): Promise<void> {
  try {
    await storage.exists(name, { signal })
  } catch (error) {
    if (!isStorageError(error, 'permission_denied') || error.status === undefined) throw error
  }
}

async function readBack(storage: AnyStorage, name: string, bytes: Buffer, signal: AbortSignal): Promise<void> {
  if (!(await storage.readBytes(name, { signal })).equals(bytes))
    throw new Error('other bytes were read than were written')
  const size = await storage.size(name, { signal })
  if (size !== bytes.byteLength) throw new Error(`the size is said to be ${size} instead of ${bytes.byteLength} bytes`)
}

async function findListed(storage: AnyStorage, folder: string, name: string, signal: AbortSignal): Promise<void> {
  for await (const entry of storage.entries(folder, { signal })) if (entry.name === name) return
  throw new Error('the listing lacks the file that was written')
}

async function urlOf(storage: AnyStorage, name: string, signal: AbortSignal): Promise<void> {
  try {
    await storage.url(name, { signal })
  } catch (error) {
    // A manifest, which was read now, has no entry for the probe.
    const isUnlisted = isStorageError(error, 'not_found') && storage.staticFiles?.manifest !== undefined
    if (!isUnlisted && !isStorageError(error, 'unsupported')) throw error
  }
}

async function remove(storage: AnyStorage, name: string, folder: string): Promise<void> {
  await storage.delete(name)
  if (await storage.exists(name)) throw new Error('the file is still there after it was deleted')
  if (storage.supports('path')) await storage.delete(folder)
}

function plain(error: unknown): unknown {
  if (isStorageError(error)) return error.toJSON()
  return { message: error instanceof Error ? error.message : String(error) }
}

async function show(context: CliContext, report: Report, all: boolean): Promise<void> {
  const { out } = context
  await out.line('')
  await out.line(
    `${paint('bold', report.alias)}  ${report.backend}  ${report.ok ? paint('green', 'ok') : paint('red', 'failed')}`,
  )
  const options = report.options.filter(option => all || option.from !== 'default')
  if (options.length > 0) {
    const rows = options.map(({ name, value, from, key }) => [
      name,
      printable(JSON.stringify(value) ?? String(value)),
      from === 'default' ? 'default' : `${from} ${key}`,
    ])
    await out.line(table(['option', 'value', 'from'], rows))
  }
  for (const { name, ok, ms, error } of report.steps) {
    const outcome = ok ? paint('green', 'ok') : paint('red', 'failed')
    const reason = ok ? '' : `  ${printable(String((error as { message?: unknown }).message))}`
    await out.line(`  ${name.padEnd(9)} ${outcome} ${ms} ms${reason}`)
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
}

/** Whether a service may have said that the storage's container is missing. */
function isMissing(error: unknown): boolean {
  const { code, status } = (error ?? {}) as { code?: unknown; status?: unknown }
  return code === 'improperly_configured' && status === 404
}
