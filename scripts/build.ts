/**
 * Builds `dist/`: declarations by the compiler, JavaScript by `code.ts`. A build that is newer than every source is kept; a new one
 * replaces the old one at its end.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { rolldown } from 'rolldown'
import { dts } from 'rolldown-plugin-dts'
import { entries, groupsOf, inputs, root, strict, writeCode } from './code.ts'

const dist = join(root, 'dist')

function modified(path: string): number {
  return statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0
}

/** One declaration file for each subpath, and the chunks that they share: a small file takes a block of the disk like a large one. */
async function declarations(folder: string): Promise<void> {
  const single = `${folder}.types`
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const options = ['--emitDeclarationOnly', '--declarationMap', 'false', '--sourceMap', 'false', '--outDir', single]
  try {
    const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.json', ...options], {
      cwd: root,
      stdio: 'inherit',
    })
    if (status !== 0) throw new Error(`tsc ended with status ${status}`)
    const names = Object.keys(entries()).filter(name => !name.startsWith('cli/'))
    const bundle = await rolldown({
      cwd: root,
      input: Object.fromEntries(names.map(name => [name, join(single, `${name}.d.ts`)])),
      plugins: [dts({ dtsInput: true, generator: 'oxc', tsconfig: false })],
      external: id => !/^[./\\\0]|^[a-z]:[/\\]/i.test(id),
      onLog: strict,
    })
    await bundle.write({
      dir: folder,
      entryFileNames: '[name].d.ts',
      chunkFileNames: 'chunks/[name].d.ts',
      codeSplitting: groupsOf(single),
      minifyInternalExports: false,
    })
    await bundle.close()
    rmSync(join(folder, 'chunks/rolldown-runtime.d.ts'), { force: true }) // Nothing refers to it.
  } finally {
    rmSync(single, { recursive: true, force: true })
  }
}

if (modified('dist/cli/bin.js') < Math.max(...['tsconfig.json', 'scripts/build.ts', ...inputs()].map(modified))) {
  const folder = `${dist}.${process.pid}.tmp`
  try {
    await declarations(folder)
    await writeCode(folder)
    chmodSync(join(folder, 'cli/bin.js'), 0o755)
    rmSync(dist, { recursive: true, force: true })
    renameSync(folder, dist)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
