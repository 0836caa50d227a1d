import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { rolldown } from 'rolldown'
import { inputs, root, writeCode } from '../../scripts/code.ts'

const CACHE = join(root, 'node_modules/.cache/holdall-tests')
const KEPT_MS = 3_600_000

/**
 * Returns the folder of the package as it is built, without its declarations. A program begins there in a third of the time that it
 * takes from the sources. It is made once for each state of them, below `node_modules`, where it finds its dependencies.
 */
export async function builtPackage(): Promise<string> {
  const state = createHash('sha256')
  for (const file of inputs().sort()) {
    const { mtimeMs, size } = statSync(join(root, file))
    state.update(`${file} ${mtimeMs} ${size}\n`)
  }
  const folder = join(CACHE, state.digest('hex').slice(0, 16))
  if (!existsSync(folder)) await build(folder)
  return folder
}

/** Another process may do the same meanwhile: who is first wins. */
async function build(folder: string): Promise<void> {
  const temporary = `${folder}.${process.pid}`
  mkdirSync(temporary, { recursive: true })
  try {
    for (const name of ['package.json', 'docs', 'examples/media'])
      cpSync(join(root, name), join(temporary, name), { recursive: true })
    await writeCode(join(temporary, 'dist'))
    renameSync(temporary, folder)
  } catch (error) {
    if (!existsSync(folder)) throw error
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
  for (const name of readdirSync(CACHE)) {
    const other = join(CACHE, name)
    const age = Date.now() - (statSync(other, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())
    if (other !== folder && age > KEPT_MS) rmSync(other, { recursive: true, force: true })
  }
}

/** Writes a program of the tests into a folder as one file, with all that it imports; gives the file's path. */
export async function builtProgram(source: string, folder: string): Promise<string> {
  const bundle = await rolldown({ input: source, platform: 'node', transform: { target: 'node24' } })
  const file = join(folder, `${basename(source, '.ts')}.mjs`)
  await bundle.write({ file, format: 'esm', codeSplitting: false })
  await bundle.close()
  return file
}
