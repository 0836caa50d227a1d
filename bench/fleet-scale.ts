/**
 * Runs migrations of 100 million files by simulated fleets in virtual time: `node bench/fleet-scale.ts [files [rows]]`, where `rows` is a part of a row's begin. The names are computed;
 * ranges, splits and pace are those of `holdall/fleet`. Fails if a name is handled twice or not at all, or if rows or memory grow.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { wantedRanges } from '../src/fleet/ranges.ts'
import { LISTINGS } from '../test/fleet/simulation/computed-names.ts'
import { type FleetOptions, simulate } from '../test/fleet/simulation/fleet.ts'

/** Heap after a garbage collection. */
const MAX_HEAP_MIB = 64
/** Waiting pages, those of one transaction or of one list request, and pages in work, for each worker. */
const maxPages = ({ listLimit, pageSize }: FleetOptions): number => 6 + Math.max(10, listLimit / pageSize) + 3

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void
const count = Number(process.argv[2] ?? 100_000_000)
const S3 = { listLimit: 1000, listMs: 100, pageSize: 500, concurrency: 16, chunk: 500 }

async function row(title: string, shape: string, options: Omit<FleetOptions, 'onPage'>): Promise<void> {
  if (!`${title} ${shape} ${options.workers}`.includes(process.argv[3] ?? '')) return
  const names = LISTINGS[shape]!(count)
  const begin = performance.now()
  let [heap, next] = [0, 0]
  const onPage = (share: number): void => {
    if (share < next) return
    next += 0.05
    gc()
    heap = Math.max(heap, process.memoryUsage().heapUsed / 2 ** 20)
  }
  const figures = await simulate(names, { ...options, onPage })
  const cells = [
    title,
    shape,
    options.workers,
    figures.hours.toFixed(2),
    Math.round(figures.filesPerSec).toLocaleString('en'),
    `${(100 * figures.unevenListed).toFixed(1)} %`,
    `${(100 * figures.unevenDone).toFixed(1)} %`,
    figures.mostRanges,
    figures.mostPages,
    figures.listRequests.toLocaleString('en'),
    `${figures.splits} / ${figures.splitRequests.toLocaleString('en')}`,
    figures.throttled.toLocaleString('en'),
    heap.toFixed(1),
    ((performance.now() - begin) / 1000).toFixed(0),
  ]
  console.log(`| ${cells.join(' | ')} |`)
  if (figures.mostRanges > 2 * wantedRanges(options.workers)) throw new Error('There are too many ranges.')
  if (figures.mostPages > maxPages(options) * options.workers) throw new Error('There are too many pages.')
  if (heap > MAX_HEAP_MIB) throw new Error('The heap grows.')
}

const columns =
  'Run | Names | Workers | Hours | Files/s | Uneven: listed | done | Ranges | Pages | Lists | Splits / requests'
console.log(`| ${columns} | Throttled | Heap MiB | Real s |`)
console.log('| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |')
// 1 ms for a file: both listings are equal, and nothing is copied. So the listing is the limit.
for (const shape of Object.keys(LISTINGS)) {
  for (const workers of [4, 16, 64]) await row('S3, second run', shape, { ...S3, workers, fileMs: 1 })
}
await row('Swift, second run', 'dates by Zipf', { ...S3, listLimit: 10_000, workers: 16, fileMs: 1 })
await row('Azure, one range', 'dates by Zipf', { ...S3, listLimit: 5000, hasRanges: false, workers: 16, fileMs: 50 })
await row('S3, 3,500 PUT/s', 'dates by Zipf', { ...S3, workers: 16, fileMs: 50, chunk: 100, limitAt: () => 3500 })
