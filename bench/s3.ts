/**
 * Holdall's S3 storage against bare `node:http` and against other clients, over a local sink: small requests, large bodies, a
 * long list, imports and sizes. The peers are installed into `bench/s3` at the first run.
 *
 *     node scripts/build.ts && node bench/s3.ts    # everything; see bench/s3/ for the parts
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'

const FOLDER = join(import.meta.dirname, 's3')
const INSTALL_MS = 300_000

if (!existsSync(join(FOLDER, 'node_modules'))) {
  const PATH = `${dirname(process.execPath)}${delimiter}${process.env['PATH']}`
  const options = { cwd: FOLDER, env: { ...process.env, PATH }, stdio: 'inherit', timeout: INSTALL_MS } as const
  const { status } = spawnSync('npm', ['install', '--ignore-scripts', '--no-package-lock', '--no-audit'], options)
  if (status !== 0) throw new Error('The peers could not be installed.')
}
for (const part of [['small'], ['large'], ['large', '--tls'], ['list'], ['size']]) {
  const [name, ...options] = part
  console.log(`\n## ${part.join(' ')}\n`)
  const { status } = spawnSync(process.execPath, [join(FOLDER, `${name}.ts`), ...options], { stdio: 'inherit' })
  if (status !== 0) process.exitCode = 1
}
