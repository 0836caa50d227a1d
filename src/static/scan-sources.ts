import { readDigest } from './digest.ts'
import type { RunReport } from './report.ts'
import type { Scanned, Scanner } from './scan.ts'
import type { StaticFile } from './types.ts'

/** Files that are read before timers and answers of the network get a turn. */
const AT_A_TIME = 32

/** Reads digests and references of the sources; those of a plain run only until the target is known, since then each is read when it is its turn. */
export async function scanSources(
  sources: ReadonlyMap<string, StaticFile>,
  digests: Map<string, Scanned>,
  report: RunReport,
  options: { readonly scanner: Scanner | undefined; readonly signal: AbortSignal; readonly isEnough: () => boolean },
): Promise<void> {
  const { scanner, signal, isEnough } = options
  let count = 0
  for (const file of sources.values()) {
    if (count++ % AT_A_TIME === 0) await new Promise(resolve => setImmediate(resolve))
    signal.throwIfAborted()
    if (isEnough()) return
    try {
      const found =
        scanner === undefined ? { digest: (await readDigest(file, signal)).digest } : await scanner.scan(file)
      digests.set(file.name, found)
    } catch (error) {
      signal.throwIfAborted()
      report.unreadable(file.name, error)
    }
  }
}
