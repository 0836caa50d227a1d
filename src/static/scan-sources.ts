import { readDigest } from './digest.ts'
import type { RunReport } from './report.ts'
import type { Scanned, Scanner } from './scan.ts'
import type { StaticFile } from './types.ts'

/** Number of files that are read before timers and answers of the network are processed. */
const AT_A_TIME = 32

/**
 * Reads digests and references of the sources. For a run without hashes, only until the target is known: from then on each source is read
 * when it is processed.
 */
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
