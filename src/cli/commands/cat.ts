import type { Command } from 'commander'
import type { CliContext, Target } from '../context.ts'
import { counted } from '../tally.ts'

/** `holdall cat`: the bytes of files, to stdout. */
export function cat(program: Command, context: CliContext): void {
  program
    .command('cat')
    .description('write files to stdout')
    .argument('<places...>', '[alias:]path')
    .action(async (places: string[]) => {
      let done = 0
      context.whenInterrupted(() => `${done} of ${counted(places.length)} written`)
      for (const place of places) {
        const target = await context.target(place)
        if (await context.attempt(() => writeOut(context, target), places.length > 1)) done++
      }
    })
}

/** Writes the bytes of a file to stdout. */
export async function writeOut({ out, signal }: CliContext, { storage, path }: Target): Promise<void> {
  for await (const chunk of storage.createReadStream(path, { signal })) await out.write(chunk as Uint8Array)
}
