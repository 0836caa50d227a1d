import type { Command } from 'commander'
import type { CompareEvent, CompareOptions, CompareReport } from '../../transfer/types.ts'
import { type CliContext, UsageError } from '../context.ts'
import { concurrencyOf } from '../options.ts'
import { Progress } from '../progress.ts'
import { hasAlias } from '../target.ts'
import { checkFolder, declareFilters, isLocalPath, placeOf, SIZE_ONLY, type SyncPlace, shownBasis } from './places.ts'

/** Options of `check SOURCE TARGET` on the command line. */
export interface CompareFlags {
  readonly sample?: string
  readonly sizeOnly?: boolean
  readonly read: boolean
  readonly include?: readonly string[]
  readonly exclude?: readonly string[]
  readonly concurrency: string
}

/** Declares the options of a comparison. */
export function declareComparison(command: Command): Command {
  return declareFilters(command).option('--sample <n>', "compare the contents of this many files, or of a share: '5%'")
}

/** Whether the arguments of `check` are two places rather than aliases. */
export function arePlaces(given: readonly string[]): boolean {
  return given.length === 2 && given.some(text => hasAlias(text) || isLocalPath(text))
}

/** `holdall check SOURCE TARGET`: compares two places and prints the differences. */
export async function comparePlaces(context: CliContext, given: readonly string[], flags: CompareFlags): Promise<void> {
  const [from = '', to = ''] = given
  const { out, signal } = context
  const source = await placeOf(context, from, false)
  const target = await placeOf(context, to, false)
  for (const [place, text] of [[source, from] as const, [target, to] as const]) await checkFolder(place, text)
  const { compare } = await import('../../transfer/index.ts')
  const progress = new Progress(out, 0, { unit: 'files' })
  let checked = 0
  try {
    const report = await compare(source.storage, target.storage, {
      ...optionsOf(flags),
      sourcePath: source.path,
      targetPath: target.path,
      signal,
      onEvent: event => tell(context, source, target, event),
      onProgress: now => {
        progress.add(now.checked - checked)
        checked = now.checked
      },
    })
    progress.end()
    await summary(context, report)
  } finally {
    progress.end()
  }
}

function optionsOf({ sample, sizeOnly, read, include, exclude, concurrency }: CompareFlags): CompareOptions {
  if (sample !== undefined && sizeOnly === true) throw new UsageError('--sample and --size-only exclude each other.')
  return { sample: sampleOf(sample), sizeOnly, read, include, exclude, concurrency: concurrencyOf(concurrency) }
}

function sampleOf(text: string | undefined): CompareOptions['sample'] {
  if (text === undefined) return undefined
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text)
  const percent = Number(text.slice(0, -1))
  if (text.endsWith('%') && percent > 0 && percent <= 100) return `${percent}%`
  throw new UsageError(`--sample: expected a number of files or a percentage such as '5%', got '${text}'.`)
}

async function tell({ out }: CliContext, source: SyncPlace, target: SyncPlace, event: CompareEvent): Promise<void> {
  if (event.type === 'failed') return out.error(event.error)
  const { name } = event
  if (out.json) return out.record({ ...event, place: target.shown(name) }, '')
  const texts = {
    missing: () => `missing  ${target.shown(name)}`,
    extra: () => `extra    ${target.shown(name)}`,
    size: () => {
      const { sourceSize, targetSize } = event as Extract<CompareEvent, { type: 'size' }>
      return `size     ${target.shown(name)}: ${targetSize} bytes, ${sourceSize} in ${source.shown(name)}`
    },
    content: () => `content  ${target.shown(name)}`,
  }
  await out.line(texts[event.type]())
}

async function summary(context: CliContext, report: CompareReport): Promise<void> {
  const { out } = context
  const { checked, equal, missing, extra, differentSize, differentContent, failed, compared, withoutDigest } = report
  if (!report.isEqual) context.exitCode = 1
  else if (compared.size > 0) context.exitCode ||= SIZE_ONLY
  if (out.json) return out.record({ summary: report }, '')
  const counts = `${equal} equal, ${missing} missing, ${extra} extra, ${differentSize} of another size, ${differentContent} of other content, ${failed} failed`
  const basis = shownBasis({ ...compared })
  const lacking = withoutDigest === 0 ? '' : `; ${withoutDigest} had no comparable digest`
  out.log(`${checked} files: ${counts}${basis === '' ? '' : `; compared ${basis}`}${lacking}`)
}
