import type { Command } from 'commander'
import { type CliContext, shownTarget } from '../context.ts'
import { paint, printable } from '../output.ts'
import { existing } from '../tree.ts'

/** `holdall stat`: prints the attributes of a file. */
export function stat(program: Command, context: CliContext): void {
  program
    .command('stat')
    .description('show the attributes of a file')
    .argument('<place>', '[alias:]path')
    .action(async (place: string) => {
      const target = await context.target(place)
      const { alias, path } = target
      const known = await existing(target, context.signal)
      await context.out.document({ place: shownTarget(alias, path), ...known })
      const { name, ...rest } = known
      for (const [field, value] of Object.entries({ name, ...rest })) {
        if (value !== undefined) await context.out.line(`${paint('bold', field.padEnd(18))} ${printable(shown(value))}`)
      }
    })
}

function shown(value: unknown): string {
  if (value instanceof Date) return value.toISOString()
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
