import { describe, expect, test } from 'vitest'
import { markdownTable, settingRows, withSettingsTable } from '../../src/cli/settings-table.ts'
import { choice, optionalMode, optionalText } from '../../src/core/setting-types.ts'

const declared = {
  accessKey: optionalText({ default: null, keys: ['AWS_ACCESS_KEY_ID'], aliases: ['key'], secret: true, doc: 'Key.' }),
  fileMode: optionalMode({ default: 0o640, keys: ['MODE'], noEnvironment: true, doc: 'Bits.' }),
  style: choice(['a', 'b'], { default: 'a', doc: 'A | B.' }),
}

describe('the settings table', () => {
  test('has a row for each declaration', () => {
    expect(settingRows(declared)).toMatchObject([
      {
        option: 'accessKey',
        aliases: ['access_key', 'key'],
        settings: ['AWS_ACCESS_KEY_ID'],
        default: 'null',
        environment: true,
      },
      { option: 'fileMode', default: '0o640', environment: false },
      { option: 'style', aliases: [], default: "'a'", type: 'a | b' },
    ])
  })

  test('is Markdown', () => {
    expect(markdownTable(settingRows(declared)).split('\n')).toEqual([
      '| Option | Setting | Type | Default | Meaning |',
      '|---|---|---|---|---|',
      '| `accessKey` | `AWS_ACCESS_KEY_ID` | text or null | `null` | Key. Secret. |',
      '| `fileMode` | `MODE` (not from the environment) | octal mode or null | `0o640` | Bits. |',
      "| `style` |  | a \\| b | `'a'` | A \\| B. |",
    ])
  })

  test('has the settings alone where there are no options', () => {
    expect(markdownTable(settingRows(declared), false).split('\n').slice(0, 3)).toEqual([
      '| Setting | Type | Default | Meaning |',
      '|---|---|---|---|',
      '| `AWS_ACCESS_KEY_ID` | text or null | `null` | Key. Secret. |',
    ])
  })

  test('is one of several on a page, by its name', () => {
    const page = '<!-- settings: a -->\n<!-- /settings -->\n<!-- settings: b -->\n<!-- /settings -->\n'
    const filled = withSettingsTable(page, declared, { name: 'b', hasOptions: false })!
    expect(filled).toMatch(/^<!-- settings: a -->\n<!-- \/settings -->\n<!-- settings: b -->\n\n\| Setting /)
    expect(withSettingsTable(page, declared)).toBeUndefined()
  })

  test('replaces what is between the markers and stays the same afterwards', () => {
    const page = 'before\n<!-- settings -->\nold\n<!-- /settings -->\nafter\n'
    const once = withSettingsTable(page, declared)!
    expect(once).toContain('| `accessKey` |')
    expect(once).not.toContain('old')
    expect(once).toMatch(/^before\n[\s\S]*\nafter\n$/)
    expect(withSettingsTable(once, declared)).toBe(once)
    expect(withSettingsTable('no markers', declared)).toBeUndefined()
  })
})
