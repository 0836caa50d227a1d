import type { AnySettings, Setting } from '../core/settings.ts'

/** One option of a backend, for the tables. */
export interface SettingRow {
  readonly option: string
  /** Other names that OPTIONS may use. */
  readonly aliases: readonly string[]
  /** Names in the settings object and the environment, the winning one first. */
  readonly settings: readonly string[]
  /** Whether the environment is read as well. */
  readonly environment: boolean
  readonly type: string
  readonly default: string
  readonly secret: boolean
  readonly doc: string
}

/** Returns the rows of a backend's declarations, in their order. */
export function settingRows(declared: AnySettings): SettingRow[] {
  return Object.entries(declared).map(([option, setting]) => ({
    option,
    aliases: [...new Set([snakeCase(option), ...setting.aliases])].filter(name => name !== option),
    settings: setting.keys,
    environment: setting.keys.length > 0 && !setting.noEnvironment,
    type: setting.type,
    default: defaultText(setting),
    secret: setting.secret,
    doc: setting.doc,
  }))
}

/** Returns Django's spelling of an option. */
function snakeCase(option: string): string {
  return option.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
}

function defaultText({ type, default: value }: Setting<unknown>): string {
  if (typeof value === 'function') return value.name
  if (typeof value === 'number' && type.includes('octal')) return `0o${value.toString(8)}`
  return typeof value === 'string' ? `'${value}'` : (JSON.stringify(value) ?? String(value))
}

/** Returns the rows as a Markdown table with a heading; without the options' own names if there are settings only. */
export function markdownTable(rows: readonly SettingRow[], hasOptions = true): string {
  const lines = rows.map(row => {
    const names = row.settings.map(name => `\`${name}\``).join(', ')
    const onlySettings = row.settings.length > 0 && !row.environment ? ' (not from the environment)' : ''
    const doc = row.secret ? `${row.doc} Secret.` : row.doc
    const cells = [`\`${row.option}\``, names + onlySettings, cell(row.type), `\`${cell(row.default)}\``, cell(doc)]
    return `| ${cells.slice(hasOptions ? 0 : 1).join(' | ')} |`
  })
  const heading = ['Option', 'Setting', 'Type', 'Default', 'Meaning'].slice(hasOptions ? 0 : 1)
  return [`| ${heading.join(' | ')} |`, `|${'---|'.repeat(heading.length)}`, ...lines].join('\n')
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}

const END = '<!-- /settings -->'

/** Which blocks of a page contain the table. */
export interface TableOptions {
  /** Name of blocks that begin with `<!-- settings: name -->`, on a page with several tables. Default: `<!-- settings -->`. */
  readonly name?: string | undefined
  /** Whether the options' own names are shown; default true. */
  readonly hasOptions?: boolean | undefined
}

/** Returns a page whose blocks between `<!-- settings -->` and `<!-- /settings -->` contain the table; undefined if it has none. */
export function withSettingsTable(
  page: string,
  declared: AnySettings,
  { name, hasOptions }: TableOptions = {},
): string | undefined {
  const start = `<!-- settings${name === undefined ? '' : `: ${name}`} -->\n`
  const [head, ...blocks] = page.split(start)
  if (!blocks.some(block => block.includes(END))) return undefined
  const table = markdownTable(settingRows(declared), hasOptions)
  const filled = blocks.map(block => {
    const end = block.indexOf(END)
    return end < 0 ? block : `\n${table}\n\n${block.slice(end)}`
  })
  return [head, ...filled].join(start)
}
