import type { Command } from 'commander'
import { type CliContext, shownTarget } from '../context.ts'
import { formatSize, printable } from '../output.ts'
import { counted } from '../tally.ts'
import { filesBelow } from '../tree.ts'

interface Sum {
  files: number
  bytes: number
}

/** `holdall du`: prints the number of files and bytes below a folder. */
export function du(program: Command, context: CliContext): void {
  program
    .command('du')
    .description('count files and bytes below a folder')
    .argument('[place]', '[alias:]folder', 'default:')
    .option('-f, --folders', 'also for each folder in it')
    .action(async (place: string, options: { readonly folders?: boolean }) => {
      const target = await context.target(place)
      const { alias, path } = target
      const { out, signal } = context
      const start = path === '' || path.endsWith('/') ? path.length : path.length + 1
      const total: Sum = { files: 0, bytes: 0 }
      const folders = new Map<string, Sum>()
      context.whenInterrupted(() => `${counted(total.files)} counted, ${formatSize(total.bytes)}`)
      for await (const { entry } of filesBelow(target, signal)) {
        // Not every listing has sizes.
        const size = Number.isNaN(entry.size) ? await target.storage.size(entry, { signal }) : entry.size
        add(total, size)
        const slash = entry.name.indexOf('/', start)
        if (options.folders === true && slash > 0) add(sumOf(folders, entry.name.slice(0, slash)), size)
      }
      const shownFolders = [...folders].map(([name, sum]) => ({ place: shownTarget(alias, name), ...sum }))
      const whole = { place: shownTarget(alias, path), ...total }
      await out.document(options.folders === true ? { ...whole, folders: shownFolders } : whole)
      for (const { place, files, bytes } of [...shownFolders, whole]) {
        await out.line(
          `${formatSize(bytes).padStart(8)}  ${String(files).padStart(8)} ${files === 1 ? 'file ' : 'files'}  ${printable(place)}`,
        )
      }
    })
}

function add(sum: Sum, size: number): void {
  sum.files++
  sum.bytes += size
}

function sumOf(sums: Map<string, Sum>, name: string): Sum {
  let sum = sums.get(name)
  if (sum === undefined) sums.set(name, (sum = { files: 0, bytes: 0 }))
  return sum
}
