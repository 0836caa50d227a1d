/**
 * A list of 100,000 keys, 1,000 in a page, page by page; `node:http` only counts them. Each measurement has its own process.
 *
 *     node scripts/build.ts             # before
 *     node bench/s3/list.ts [name]
 */
import { machine } from '../harness.ts'
import { once } from './once.ts'
import { startSink } from './team.ts'

console.log(`${machine()}\n`)
await once(await startSink(), [{ title: 'list 100,000', operation: 'list', times: 100_000 }])
