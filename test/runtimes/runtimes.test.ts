/** The package from its tarball on each runtime: the library, the command line, and the programs of the documentation. */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { NO_PROVIDERS, WORKS } from '../bundlers/rows.ts'
import { type StrictS3, startStrictS3 } from '../servers/strict-s3.ts'
import { installedCopy, installPackage, linkOrms, linkPackage, output } from '../support/installed.ts'
import { OLD_NODE, RUNTIMES } from './rows.ts'

const ROOT = join(import.meta.dirname, '../..')
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))

let runtimes: string
let server: StrictS3
let bin: string

beforeAll(async () => {
  runtimes = installedCopy('runtimes')
  bin = join(installPackage(runtimes), manifest.bin.holdall)
  linkOrms(runtimes)
  // Of the guide.
  for (const name of ['express', 'multer']) linkPackage(runtimes, name)
  for (const name of ['report.mjs', 'saved.mjs', 'app.mjs'])
    cpSync(join(ROOT, 'test/bundlers', name), join(runtimes, name))
  server = await startStrictS3()
}, 900_000)

afterAll(async () => {
  await server?.close()
  if (runtimes !== undefined) rmSync(runtimes, { recursive: true, force: true })
})

describe.each(RUNTIMES)('$row', ({ row, program, args }) => {
  /** Runs a program in a folder of the project, and returns what it prints. */
  const run = (cwd: string, ...script: string[]): Promise<string> => {
    const { accessKeyId, secretAccessKey } = server.credentials
    const only = {
      PATH: process.env['PATH']!,
      HOME: runtimes,
      DENO_DIR: join(runtimes, 'deno'),
      BUN_RUNTIME_TRANSPILER_CACHE_PATH: '0',
      NO_COLOR: '1',
      FOLDER: join(cwd, 'media'),
      S3_ENDPOINT: server.url,
      S3_KEY: accessKeyId,
      S3_SECRET: secretAccessKey,
      AWS_EC2_METADATA_DISABLED: 'true',
    }
    return output(resolve(runtimes, program), [...args, ...script], { cwd, only })
  }
  const folder = (): string => mkdtempSync(join(runtimes, 'work-'))

  test('is the version that the table names', async () => {
    const printed = await output(resolve(runtimes, program), ['--version'], { cwd: runtimes })
    const [, version] = /(\d+\.\d+)\./.exec(printed)!
    expect(`${version}.`).toMatch(new RegExp(`^${row.split(' ')[1]!.replace('.', '\\.')}\\.`))
  })

  test('saves and reads in memory, on the disk, and on S3', async () => {
    const printed = await run(folder(), join(runtimes, 'app.mjs'))
    expect(JSON.parse(printed)).toEqual({ ...WORKS, credentials: NO_PROVIDERS })
  })

  test('runs the program of the guide', async () => {
    const cwd = folder()
    const { code, expected } = guide()
    writeFileSync(join(cwd, 'guide.ts'), code)
    const printed = (await run(cwd, 'guide.ts')).trimEnd().split('\n')
    expect(printed.map(line => line.replace(/hello_\w{7}/, 'hello_XXXXXXX'))).toEqual(expected)
  })

  test('runs the quickstart', async () => {
    const cwd = folder()
    cpSync(join(ROOT, 'examples/quickstart.ts'), join(cwd, 'quickstart.ts'))
    expect(await run(cwd, 'quickstart.ts')).toBe('notes/hello.txt Hello, world! 13 /media/notes/hello.txt\ntrue 2\n')
  })

  test('runs the command line', async () => {
    const cwd = folder()
    const cli = (...line: string[]): Promise<string> => run(cwd, bin, ...line)
    writeFileSync(
      join(cwd, 'holdall.config.ts'),
      `import { defineConfig } from 'holdall'
      export default defineConfig({ STORAGES: {
        default: { BACKEND: 'local', OPTIONS: { location: './media' } },
        s3: { BACKEND: 's3', OPTIONS: { endpointUrl: process.env.S3_ENDPOINT, bucketName: 'media', regionName: 'us-east-1',
          accessKey: process.env.S3_KEY, secretKey: process.env.S3_SECRET, fileOverwrite: true } },
        own: { BACKEND: './own.ts#Own', OPTIONS: { location: './media' } },
      } })\n`,
    )
    writeFileSync(
      join(cwd, 'own.ts'),
      "import { LocalStorage } from 'holdall/local'\nexport class Own extends LocalStorage {}\n",
    )
    writeFileSync(join(cwd, 'note.txt'), 'note')
    expect(await cli('--version')).toBe(`${manifest.version}\n`)
    expect(await cli('put', 'note.txt', 'default:in/note.txt')).toBe('default:in/note.txt\n')
    expect(await cli('ls', 'default:in')).toBe('in/note.txt\n')
    expect(await cli('ls', 'own:in')).toBe('in/note.txt\n')
    await cli('cp', 'default:in/note.txt', 's3:note.txt')
    expect(JSON.parse(await cli('stat', 's3:note.txt', '--json'))).toMatchObject({ size: 4, contentType: 'text/plain' })
    await cli('get', 's3:note.txt', 'back.txt')
    expect(readFileSync(join(cwd, 'back.txt'), 'utf8')).toBe('note')
    await cli('rm', 'default:in/note.txt')
    expect(readdirSync(join(cwd, 'media/in'))).toEqual([])
    expect(JSON.parse(await cli('check', '--json')).storages).toEqual(
      ['default', 's3', 'own'].map(alias => expect.objectContaining({ alias, ok: true })),
    )
  })

  test('serves files and signed URLs from the command line', async () => {
    const cwd = folder()
    mkdirSync(join(cwd, 'site'))
    writeFileSync(join(cwd, 'site/a.txt'), 'text')
    const served = JSON.parse(await run(cwd, bin, 'serve', 'site', '--once', '--json', '--root', 'root'))
    expect(served).toMatchObject({ files: 1, bytes: 4, compared: true })
  })
})

/** The code of the guide as one program, and what its comments say that it prints. */
function guide(): { code: string; expected: string[] } {
  const page = readFileSync(join(ROOT, 'docs/guide.md'), 'utf8')
  const pieces = [...page.matchAll(/```ts\n(.*?)```/gs)].map(([, piece]) => piece!)
  const print = `console.log = (...values) => {
    process.stdout.write(\`\${values.map(value => typeof value === 'object' ? JSON.stringify(value) : String(value)).join(' ')}\\n\`)
  }`
  const code = [print, ...pieces].join('\n')
  return { code, expected: [...code.matchAll(/console\.log\(.*\) \/\/ (.*)/g)].map(([, text]) => text!) }
}

describe('Node 20', () => {
  const old = (...args: string[]): { status: number | null; errors: string[] } => {
    const options = { cwd: runtimes, encoding: 'utf8', env: { HOME: runtimes } } as const
    const { status, stderr } = spawnSync(join(runtimes, OLD_NODE), args, options)
    return { status, errors: stderr.split('\n').filter(line => line.includes('needs Node')) }
  }
  const sentence = (): string => {
    const { stdout } = spawnSync(join(runtimes, OLD_NODE), [
      '-p',
      'process.versions.node + " (" + process.execPath + ")"',
    ])
    return `holdall needs Node 22.18 or newer, and this is ${stdout.toString().trim()}.`
  }

  test('is told by every subpath at import which version is needed', () => {
    const subpaths = Object.keys(manifest.exports).filter(path => path !== './package.json')
    expect(subpaths.length).toBeGreaterThan(8)
    for (const subpath of subpaths) {
      const script = `import 'holdall${subpath.slice(1)}'`
      const { status, errors } = old('--input-type=module', '-e', script)
      expect([status, errors.at(-1)], subpath).toEqual([1, `Error: ${sentence()}`])
    }
  })

  test('is told by the command line', () => {
    expect(old(bin, 'ls')).toEqual({ status: 1, errors: [sentence()] })
  })
})
