import { StorageError } from '../core/errors.ts'
import { Linker } from './links.ts'
import { manifestNameIn, refuseOwnFiles } from './own-files.ts'
import type { RunReport } from './report.ts'
import { Run } from './run.ts'
import type { Collected, RunPlan } from './run-plan.ts'
import { type Scanned, Scanner } from './scan.ts'
import { scanSources } from './scan-sources.ts'
import { gatherSources, isDeleting, mayChange } from './sources.ts'
import { Target } from './target.ts'

/** Maximum number of times that the target is listed again because another run has changed it. */
const MAX_ROUNDS = 5
const OTHERS =
  'Other runs have changed the target again and again, so this one cannot say that all its files are there. Run it again when they have ended.'

/** Collects all files; events go to the report. */
export async function collectAll(plan: RunPlan, report: RunReport): Promise<void> {
  const { storage, finders, manifest, isIgnored, signal } = plan
  const linker = plan.options.link === true ? new Linker(storage) : undefined
  const manifestName = await manifestNameIn(storage, manifest, { signal })
  // The listing waits for the network while the sources are read.
  const reading = Target.read(storage, manifest, { signal })
  let isRead = false
  reading.then(
    () => (isRead = true),
    () => {},
  )
  const deletes = isDeleting(plan.options)
  const sources = await gatherSources(finders, report, { isIgnored, manifestName, deletes, signal })
  refuseOwnFiles(sources.values(), storage)
  report.event({ type: 'found', count: sources.size })
  const digests = new Map<string, Scanned>()
  const isFinished = (name: string): boolean => plan.built.has(name)
  const scanner = manifest && new Scanner(sources, report, { ...plan, plan: manifest, isFinished })
  await scanSources(sources, digests, report, { scanner, signal, isEnough: () => scanner === undefined && isRead })
  const collected = { sources, manifestName, linker }
  const isWhole = checkBuilt(plan, collected, report)
  // In a strict run, a reference to a missing file ends the run before it has changed anything.
  const first = await reading
  if (scanner?.hasMissing === true || !isWhole || !mayChange(first, sources, report, plan.options)) return
  let run = new Run(plan, report, first, collected)
  for (let round = 1; !(await run.collect(digests, scanner)); round++) {
    if (round === MAX_ROUNDS) throw new StorageError('precondition_failed', OTHERS)
    report.isRepeated = true
    const again: RunPlan = { ...plan, options: { ...plan.options, clear: false } }
    run = new Run(again, report, await Target.read(storage, manifest, { signal }), collected)
  }
}

/** Reports built files that the manifest would name and that no finder has. Returns false where that ends the run. */
function checkBuilt({ manifest, bundled, built }: RunPlan, { sources }: Collected, report: RunReport): boolean {
  if (manifest === undefined) return true
  let isWhole = true
  for (const [name, file] of bundled) {
    if (!built.has(file) || sources.has(file)) continue
    const text = `The built file '${file}' of '${name}' is not among the static files. Add the folder of the build to the finders, or build again`
    if (!manifest.strict) report.warning(text, name)
    else report.unreadable(name, new StorageError('not_found', `${text}.`, { fileName: file }))
    isWhole &&= !manifest.strict
  }
  return isWhole
}
