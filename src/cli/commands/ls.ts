import type { Command } from 'commander'
import type { Entry } from '../../storage/types.ts'
import type { CliContext } from '../context.ts'
import { allowRecursive } from '../options.ts'
import { formatSize, formatTime, paint, printable } from '../output.ts'
import { existing } from '../tree.ts'

interface LsOptions {
  readonly long?: boolean
  readonly recursive?: boolean
}

/** `holdall ls`: lists the files and folders in a folder, page by page. */
export function ls(program: Command, context: CliContext): void {
  const command = program
    .command('ls')
    .description('list a folder')
    .argument('[place]', '[alias:]folder', 'default:')
    .option('-l, --long', 'with size and time (UTC)')
  allowRecursive(command, 'all files below, without folders').action(async (place: string, options: LsOptions) => {
    const target = await context.target(place)
    const { out, signal } = context
    let count = 0
    context.whenInterrupted(() => `${count} listed`)
    const show = (entry: Entry) => out.record(entry, options.long === true ? longLine(entry) : shownName(entry))
    for await (const entry of target.storage.entries(target.path, { recursive: options.recursive === true, signal })) {
      count++
      await show(entry)
    }
    if (count > 0 || target.path === '') return
    const entry = await existing(target, signal)
    if (!entry.isDirectory) await show(entry)
  })
}

function shownName(entry: Entry): string {
  const name = printable(entry.name)
  return entry.isDirectory ? paint('blue', `${name.replace(/\/$/, '')}/`) : name
}

function longLine(entry: Entry): string {
  const size = entry.isDirectory ? '-' : formatSize(entry.size)
  return `${size.padStart(8)}  ${formatTime(entry.modifiedAt).padEnd(16)}  ${shownName(entry)}`
}
