import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { configure, storageConfigs, storages } from '../../src/config/index.ts'
import { parseJson } from '../../src/config/json.ts'
import { loadAndConfigure } from '../../src/config/load.ts'
import { runNode } from '../support/child.ts'

/** Begins with a letter and holds no `/`, so that it can stand without quotes in code. */
const SECRET = 'wJalrXUtnFEMIK7MDENG'

let dir: string
beforeEach(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'holdall-secrets-')))
})
afterEach(() => {
  configure({})
  return rm(dir, { recursive: true })
})

const errorOf = async (work: () => unknown): Promise<Error> => {
  try {
    await work()
  } catch (error) {
    return error as Error
  }
  throw new Error('expected a failure')
}

describe('a slip beside a secret', () => {
  test.each([
    [`{"secretKey": ${SECRET}}`, 'is not valid JSON: line 1, column 15: expected a value'],
    [`{\n  "a": 1\n  "secretKey": "${SECRET}"}`, "line 3, column 3: expected ',' or '}'."],
    [`{"secretKey": "${SECRET}}`, 'line 1, column 15: expected a value'],
  ])('in JSON is told without it: %s', async (text, message) => {
    await writeFile(join(dir, 'config.json'), text)
    const error = await errorOf(() => loadAndConfigure({ cwd: dir, file: 'config.json', env: {} }))
    expect(error).toMatchObject({ code: 'improperly_configured', message: expect.stringContaining(message) })
    expect(inspect(error, { depth: 5 }) + JSON.stringify(error)).not.toContain(SECRET)
  })

  const slips = [
    ['mjs', `export default {\n secretKey: ${SECRET} }`, ':2 could not be loaded: a name is used'],
    ['mjs', `export default { secretKey: a ${SECRET} }`, 'could not be loaded: Unexpected identifier; '],
    ['mjs', `export default { secretKey: "${SECRET} }`, 'Invalid or unexpected token'],
    ['mjs', `export default { secretKey: /(${SECRET}/ }`, 'there is a syntax error'],
    ['mjs', `export default { a: JSON.parse('{"a": ${SECRET}}') }`, ':1 could not be loaded: Unexpected token'],
    ['mjs', `export default { a: BigInt('${SECRET}') }`, 'there is a syntax error'],
    ['mjs', `import { no } from 'node:fs'; const a = '${SECRET}'`, "The requested module 'node:fs' does not provide"],
    ['ts', `export default {\n secretKey: a ${SECRET} }`, ':2 could not be loaded: '],
    ['ts', `export default {\n secretKey: "${SECRET}\n }`, ':2 could not be loaded: '],
    ['ts', `enum Key { a = '${SECRET}' }\nexport default {}`, ':1 could not be loaded: TypeScript enum is not'],
    ['cjs', `exports.Own = a ${SECRET}`, 'Could not find backend'],
  ] as const

  test('in code is told without it, and without it in the cause', async () => {
    const files = await Promise.all(
      slips.map(async ([extension, text], i) => {
        await writeFile(join(dir, `slip${i}.${extension}`), text)
        if (extension !== 'cjs') return `slip${i}.${extension}`
        await writeFile(join(dir, 'own.json'), `{"DEFAULT_FILE_STORAGE": "./slip${i}.cjs#Own"}`)
        return 'own.json'
      }),
    )
    // The test runner imports modules in its own way, so Node itself does it.
    const sources = pathToFileURL(join(import.meta.dirname, '../../src/config')).href
    await writeFile(
      join(dir, 'all.mjs'),
      `import { inspect } from 'node:util'
      import { loadAndConfigure, storages } from '${sources}/index.ts'
      const told = []
      for (const file of process.argv.slice(2)) {
        try {
          await loadAndConfigure({ file, env: {} })
          await storages.default.stat('x')
        } catch (error) {
          told.push([error.code, error.message, inspect(error, { depth: 9 }) + JSON.stringify(error)])
        }
      }
      console.log(JSON.stringify(told))`,
    )
    const { stdout, stderr } = await runNode([join(dir, 'all.mjs'), ...files], { cwd: dir })
    expect(stdout + stderr).not.toContain(SECRET)
    expect(JSON.parse(stdout)).toEqual(
      slips.map(([, , message]) => ['improperly_configured', expect.stringContaining(message), expect.anything()]),
    )
  })

  test.each([
    [`{"default": {"BACKEND": "s3", "OPTIONS": {"secretKey": ${SECRET}}}}`, 'line 1, column 56: expected a value'],
    [
      `{"default": "{\\"BACKEND\\": ${SECRET}}"}`,
      "STORAGES['default']: expected an object (JSON in the environment): line 1",
    ],
  ])('in STORAGES of the environment is told without it', async (STORAGES, message) => {
    const error = await errorOf(() => storageConfigs({}, { STORAGES }))
    expect(error.message).toContain(message)
    expect(inspect(error)).not.toContain(SECRET)
  })

  test.each(['DEFAULT_FILE_STORAGE', 'FILE_UPLOAD_PERMISSIONS'])(
    'that lets %s take the next lines of .env along is told without them',
    async name => {
      const env: Record<string, string> = {}
      await writeFile(join(dir, '.env'), `${name}="x\nAWS_S3_SECRET_ACCESS_KEY=${SECRET}\nOTHER="y"\n`)
      await loadAndConfigure({ cwd: dir, envFile: '.env', env })
      expect(env[name]).toContain(SECRET)
      configure(env)
      const error = await errorOf(() => storages.default)
      expect(error.message).toContain("'x'")
      expect(inspect(error)).not.toContain(SECRET)
    },
  )
})

describe('the place of a slip in JSON', () => {
  test.each([
    ['', 1, 1, 'a value'],
    ['nonsense', 1, 1, 'a value'],
    ['{', 1, 2, 'a name'],
    ['{a:1}', 1, 2, 'a name'],
    ['{"a" 1}', 1, 6, "':'"],
    ['{"a":1,}', 1, 8, 'a name'],
    ['[1,]', 1, 4, 'a value'],
    ['[1 2]', 1, 4, "',' or ']'"],
    ['{"a":1]', 1, 7, "',' or '}'"],
    ['{"a":[{"b":tru}]}', 1, 12, 'a value'],
    ['{"a":01}', 1, 6, 'a value'],
    ['{"a":"x\ny"}', 1, 6, 'a value'],
    ['{"a":"\\q"}', 1, 6, 'a value'],
    ['[{"a":{}},\n {"b":[]} x', 2, 11, "',' or ']'"],
    ['{"a":[[],{}]}\nx', 2, 1, 'the end'],
  ])('of %j', (text, line, column, expected) => {
    expect(() => parseJson(text, 'It is wrong')).toThrow(
      `It is wrong: line ${line}, column ${column}: expected ${expected}`,
    )
  })

  test('is found wherever a text is cut off', () => {
    const text = '{"a":[1,-2.5e3,{"b":"\\u00e9\\n"}],\n"c":{"d":[],"e":{}},"f":null,"g":[true,false]}'
    expect(parseJson(text, '')).toEqual(JSON.parse(text))
    for (let length = 0; length < text.length; length++) {
      expect(() => parseJson(text.slice(0, length), 'cut')).toThrow(/^cut: line [12], column \d+: expected /)
    }
  })
})
