/**
 * Holdall's S3 storage against bare `node:http` and against other clients, over a local sink. The peers are installed into `bench/s3` at the
 * first run.
 *
 *     node scripts/build.ts                          # before
 *     node bench/s3.ts                               # everything
 *     node bench/s3.ts small [name]                  # 4 KiB PUT, GET and HEAD; those whose name contains the text, and the baseline
 *     node bench/s3.ts large [--tls] [name]          # 256 MiB up and down; over plain HTTP bodies are hashed for the signature
 *     node bench/s3.ts list [name]                   # 100,000 keys
 *     node bench/s3.ts cold | size                   # first request, import and installed size
 *     BENCH_ROUNDS=3 node bench/s3.ts small holdall  # fewer rounds
 */
import { run } from './remote/run.ts'

await run('s3')
