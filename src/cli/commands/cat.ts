import type { Command } from 'commander'
import type { CliContext } from '../context.ts'

/** `holdall cat`: the bytes of files, to stdout. */
export function cat(program: Command, context: CliContext): void {
  program
    .command('cat')
    .description('write files to stdout')
    .argument('<places...>', 'alias:path')
    .action(async (places: string[]) => {
      for (const place of places) {
        const { storage, path } = await context.target(place)
        for await (const chunk of storage.createReadStream(path, { signal: context.signal })) {
          await context.out.write(chunk as Uint8Array)
        }
      }
    })
}
