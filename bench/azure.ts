/**
 * Holdall's Azure storage against bare `node:http` and against other clients, over a local sink. The peers are installed into `bench/azure` at
 * the first run.
 *
 *     node scripts/build.ts && node bench/azure.ts    # everything; parts as in s3.ts: small, large, list, cold, size
 */
import { run } from './remote/run.ts'

await run('azure')
