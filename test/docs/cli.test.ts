import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createProgram } from '../../src/cli/main.ts'

test('the page of the command line has a row for each command, and for no other', () => {
  const page = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8')
  const rows = [...page.matchAll(/^\| (`.*?) \| /gm)].flatMap(([, cell = '']) => cell.replaceAll('`', '').split(', '))
  const commands = createProgram().program.commands.map(command => command.name())
  expect(rows.sort()).toEqual(commands.sort())
})
