/** The compiler options that the guide asks for are those that the declarations of the package are compiled with. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const text = (file: string): string => readFileSync(join(import.meta.dirname, '../..', file), 'utf8')

test('the options of the guide are those of the test of the package', () => {
  const { compilerOptions } = JSON.parse(
    /```json\n(\{\s+"compilerOptions"[\s\S]*?)```/.exec(text('docs/guide.md'))![1]!,
  )
  const { module, target, lib, types, strict, ...others } = compilerOptions
  expect([strict, others]).toEqual([true, {}])
  const level = `['--module', '${module}', '--target', '${target}', '--lib', '${lib}']`
  expect(text('test/package.test.ts')).toContain(level)
  expect(text('test/package.test.ts')).toContain(`'--types', '${types}'`)
})
