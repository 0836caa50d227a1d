import type { Command } from 'commander'
import type { Entry } from '../../storage/storage.ts'
import type { CliContext } from '../context.ts'
import { formatSize, formatTime, paint, printable } from '../output.ts'

interface LsOptions {
  readonly long?: boolean
  readonly recursive?: boolean
}

/** `holdall ls`: the files and folders in a folder, page by page. */
export function ls(program: Command, context: CliContext): void {
  program
    .command('ls')
    .description('list a folder')
    .argument('[place]', 'alias:folder', 'default:')
    .option('-l, --long', 'with size and time (UTC)')
    .option('-r, --recursive', 'all files below, without folders')
    .action(async (place: string, options: LsOptions) => {
      const { storage, path } = await context.target(place)
      const { out, signal } = context
      for await (const entry of storage.entries(path, { recursive: options.recursive === true, signal })) {
        await out.record(entry, options.long === true ? longLine(entry) : shownName(entry))
      }
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
