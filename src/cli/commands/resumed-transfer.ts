import { isStorageError } from '../../core/errors.ts'
import { forEachParallel } from '../../core/parallel.ts'
import { type CliContext, isOfOneFile, shownTarget, type Target } from '../context.ts'
import { printable } from '../output.ts'
import { type Proof, ResumedCopy } from '../resumed-copy.ts'
import { counted } from '../tally.ts'
import { below } from '../target.ts'
import { type Found, filesBelow } from '../tree.ts'

/**
 * Number of successive failures that are not about one file, after which the rest is abandoned: the service, or the connection to it, is
 * broken.
 */
const MAX_IN_A_ROW = 10

/** Options of `cp --resume`. */
export interface ResumeOptions {
  readonly overwrite: boolean
  /** Number of files in parallel. */
  readonly limit: number
}

/** Number of files by their result. */
class Counts {
  copied = 0
  unchanged = 0
  failed = 0
  readonly by: Record<Proof, number> = { etag: 0, mark: 0, bytes: 0 }

  get text(): string {
    const { etag, mark, bytes } = this.by
    const proofs = `by MD5: ${etag}, by the mark of an earlier copy: ${mark}, by reading back: ${bytes}`
    return `${this.copied} copied, ${this.unchanged} there already, ${this.failed} failed; verified ${proofs}`
  }
}

/**
 * Copies everything below a folder, skips files that already exist, and verifies each file. An error of one file is printed and counted,
 * and the others are still copied; the exit code is 1 then. The last line reports the counts, also for an interrupted copy.
 */
export async function resumedTransfer(
  context: CliContext,
  source: Target,
  target: Target,
  { overwrite, limit }: ResumeOptions,
): Promise<void> {
  const { out, signal } = context
  const counts = new Counts()
  context.whenInterrupted(() => `${counted(counts.copied)} copied, ${counts.unchanged} there already`)
  const copy = new ResumedCopy(source.storage, target.storage, { overwrite, signal })
  let inARow = 0
  const failed = async ({ entry }: Found, error: unknown): Promise<void> => {
    if (signal.aborted || !isStorageError(error)) throw error
    counts.failed++
    context.exitCode = 1
    out.error(error)
    const isOfFile = isOfOneFile(error) || (await copy.isUnreadable(entry, error))
    inARow = isOfFile ? 0 : inARow + 1
    if (inARow >= MAX_IN_A_ROW) throw error
  }
  const one = async ({ entry, relative }: Found): Promise<void> => {
    const name = below(target.path, relative)
    const [from, place] = [shownTarget(source.alias, entry.name), shownTarget(target.alias, name)]
    const { state, by } = await (context.options.dryRun === true ? planned(copy, entry, name) : copy.copy(entry, name))
    counts[state === 'unchanged' ? 'unchanged' : 'copied']++
    if (by !== undefined) counts.by[by]++
    const isPlan = context.options.dryRun === true
    if (out.json) await out.record({ ...(isPlan && { dryRun: true }), from, name, place, state, verifiedBy: by }, '')
    else if (state === 'copied') {
      await out.line(isPlan ? `would copy ${printable(from)} to ${printable(place)}` : printable(place))
    }
  }
  try {
    await forEachParallel(filesBelow(source, signal), { limit }, found =>
      one(found).then(
        () => void (inARow = 0),
        error => failed(found, error),
      ),
    )
  } finally {
    const { copied, unchanged, failed: errors, by } = counts
    if (out.json) await out.record({ summary: { copied, unchanged, failed: errors, verifiedBy: by } }, '')
    else out.log(counts.text)
  }
}

/** Reports the changes that a copy would make. */
async function planned(
  copy: ResumedCopy,
  entry: Found['entry'],
  name: string,
): Promise<{ readonly state: 'copied' | 'unchanged'; readonly by: Proof | undefined }> {
  const by = await copy.found(entry, name)
  return { state: by === undefined ? 'copied' : 'unchanged', by }
}
