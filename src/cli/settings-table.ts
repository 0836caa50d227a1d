import type { AnySettings, Setting } from '../core/settings.ts'

/** One option of a backend, as the tables show it. */
export interface SettingRow {
  readonly option: string
  /** Other names that OPTIONS may use. */
  readonly aliases: readonly string[]
  /** Names in the settings object and the environment, the winning one first. */
  readonly settings: readonly string[]
  /** Whether the environment is asked as well. */
  readonly environment: boolean
  readonly type: string
  readonly default: string
  readonly secret: boolean
  readonly doc: string
}

/** The rows of a backend's declarations, in their order. */
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

/** Django's spelling of an option. */
function snakeCase(option: string): string {
  return option.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
}

function defaultText({ type, default: value }: Setting<unknown>): string {
  if (typeof value === 'function') return value.name
  if (typeof value === 'number' && type.includes('octal')) return `0o${value.toString(8)}`
  return typeof value === 'string' ? `'${value}'` : (JSON.stringify(value) ?? String(value))
}

/** The rows as a Markdown table with a heading. */
export function markdownTable(rows: readonly SettingRow[]): string {
  const lines = rows.map(row => {
    const names = row.settings.map(name => `\`${name}\``).join(', ')
    const onlySettings = row.settings.length > 0 && !row.environment ? ' (not from the environment)' : ''
    const doc = row.secret ? `${row.doc} Secret.` : row.doc
    return `| \`${row.option}\` | ${names}${onlySettings} | ${cell(row.type)} | \`${cell(row.default)}\` | ${cell(doc)} |`
  })
  return ['| Option | Setting | Type | Default | Meaning |', '|---|---|---|---|---|', ...lines].join('\n')
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}

const START = '<!-- settings -->\n'
const END = '<!-- /settings -->'

/** A page whose blocks between `<!-- settings -->` and `<!-- /settings -->` hold the table; undefined when it has none. */
export function withSettingsTable(page: string, declared: AnySettings): string | undefined {
  const [head, ...blocks] = page.split(START)
  if (!blocks.some(block => block.includes(END))) return undefined
  const table = markdownTable(settingRows(declared))
  const filled = blocks.map(block => {
    const end = block.indexOf(END)
    return end < 0 ? block : `\n${table}\n\n${block.slice(end)}`
  })
  return [head, ...filled].join(START)
}
