/**
 * Holdall's storage of Google Cloud Storage against bare `node:http` and against other clients, over a local sink. The peers are installed into
 * `bench/gcs` at the first run.
 *
 *     node scripts/build.ts && node bench/gcs.ts    # everything; parts as in s3.ts: small, large, list, cold, size
 */
import { run } from './remote/run.ts'

await run('gcs')
