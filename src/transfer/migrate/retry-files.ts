import type { FailureFilter } from './failure-table.ts'
import { namedPairs } from './named-pairs.ts'
import type { RunContext } from './run-context.ts'

/** Number of failed names that are looked up together. */
const PAGE = 1000

/** Copies files again that failed; `isVerified`: and compares them afterwards. What the verify pass found is copied in any case. */
export async function retryFiles(context: RunContext, filter: FailureFilter, isVerified: boolean): Promise<void> {
  const { failures } = context.ledger
  for (let after: string | undefined; ; ) {
    const rows = failures.page({ ...filter, after }, PAGE)
    if (rows.length === 0) return
    after = rows.at(-1)!.name
    const names = rows.map(({ name }) => name)
    await again(context, 'copy', names, filter.pass === 'verify')
    if (isVerified) await again(context, 'verify', names, false)
  }
}

async function again(
  context: RunContext,
  pass: 'copy' | 'verify',
  names: readonly string[],
  isForced: boolean,
): Promise<void> {
  const { places, run, ledger, signal, concurrency } = context
  context.begin()
  const pairs = namedPairs(places, names, {
    signal,
    concurrency,
    isForced,
    gone: name => {
      ledger.mend(name)
      ledger.forget(name)
    },
    failed: (name, error) => context.failed(name, pass, error, false),
    isExpected: (name, code) => context.isExpected(name, code),
  })
  const tally = await context.engine(pass, true).run(pass, pairs, context.hooks(pass))
  const { copied, unchanged, bytes, compared, withoutDigest, sizeOnly } = tally
  // The files were counted when they were listed.
  run.counts.add(pass === 'copy' ? { copied, unchanged, bytes } : { compared, withoutDigest, sizeOnly })
  ledger.touch()
}
