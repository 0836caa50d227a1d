import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { cold } from './cold.ts'
import { large } from './large.ts'
import { list } from './list.ts'
import { type ServiceName, serviceOf } from './service.ts'
import { size } from './size.ts'
import { small } from './small.ts'

const INSTALL_MS = 300_000
const PARTS = { small, large, list, cold, size }

function isPart(word: string | undefined): word is keyof typeof PARTS {
  return word !== undefined && Object.hasOwn(PARTS, word)
}

/** Installs the peers of a service into its folder, if they are not there. */
function install(folder: string): void {
  if (existsSync(join(folder, 'node_modules'))) return
  const PATH = `${dirname(process.execPath)}${delimiter}${process.env['PATH']}`
  const options = { cwd: folder, env: { ...process.env, PATH }, stdio: 'inherit', timeout: INSTALL_MS } as const
  const flags = ['--ignore-scripts', '--no-package-lock', '--no-audit', '--legacy-peer-deps']
  const { status } = spawnSync('npm', ['install', ...flags], options)
  if (status !== 0) throw new Error('The peers could not be installed.')
}

/** Does what the command line says: one part (`small`, `large`, `list`, `cold`, `size`), or all of them. */
export async function run(name: ServiceName): Promise<void> {
  const service = await serviceOf(name)
  const words = process.argv.slice(2).filter(word => !word.startsWith('--'))
  const isTls = process.argv.includes('--tls')
  install(join(import.meta.dirname, '..', name))
  const [first, ...others] = words
  if (isPart(first)) return PARTS[first](service, { wanted: others[0] ?? '', isTls })
  if (isTls && !service.hasTls) throw new Error(`The sink of ${name} has no TLS.`)
  const parts = Object.entries(PARTS).flatMap(([title, part]) =>
    title === 'large' && service.hasTls
      ? [
          { title, part, isTls: false },
          { title: 'large --tls', part, isTls: true },
        ]
      : [{ title, part, isTls: false }],
  )
  for (const part of parts) {
    console.log(`\n## ${part.title}\n`)
    try {
      await part.part(service, { wanted: first ?? '', isTls: part.isTls })
    } catch (error) {
      console.error(error)
      process.exitCode = 1
    }
  }
}
