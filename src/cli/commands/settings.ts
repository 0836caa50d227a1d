import type { Command } from 'commander'
import { watchModules } from '../configured-modules.ts'
import { type CliContext, UsageError } from '../context.ts'
import { paint, table } from '../output.ts'
import { markdownTable, settingRows } from '../settings-table.ts'

/** `holdall settings`: prints the options of a backend, generated from their declarations. */
export function settings(program: Command, context: CliContext): void {
  program
    .command('settings')
    .description('list the backends, or the options of one')
    .argument('[backend]', "short name, Django class path or './module.ts#Class'")
    .option('--markdown', 'as a Markdown table')
    .action(async (backend: string | undefined, options: { readonly markdown?: boolean }) => {
      const { backendNames, declaredSettings, resolveBackend } = await import('../../config/index.ts')
      const { out } = context
      if (backend === undefined) {
        for (const name of backendNames()) await out.record({ backend: name }, name)
        return
      }
      watchModules()
      const rows = settingRows(declaredSettings(found(() => resolveBackend(backend))))
      await out.document(rows)
      if (options.markdown === true) return out.line(markdownTable(rows))
      const cells = rows.map(row => [row.option, row.settings.join(', '), short(row.default)])
      await out.line(table(['option', 'setting', 'default'], cells))
      await out.line('')
      for (const row of rows) {
        await out.line(`${paint('bold', row.option)}, ${row.type}: ${row.doc}${row.secret ? ' Secret.' : ''}`)
      }
    })
}

/** Shortens a default so that the table keeps its form. */
function short(text: string): string {
  return text.length > 32 ? `${text.slice(0, 29)}...` : text
}

function found<T>(resolve: () => T): T {
  try {
    return resolve()
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}
