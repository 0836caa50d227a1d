import { machine } from '../harness.ts'
import { once } from './once.ts'
import type { BenchService } from './service.ts'
import { type Choice, startSink } from './team.ts'

/** A list of 100,000 keys, page by page; `node:http` only counts them. Each measurement has its own process. */
export async function list(service: BenchService, choice: Choice): Promise<void> {
  console.log(`${machine()}\n`)
  const task = { title: 'list 100,000', operation: 'list', times: 100_000 } as const
  await once(service, choice, await startSink(service), [task])
}
