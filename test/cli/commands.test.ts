import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { startStrictS3 } from '../servers/strict-s3.ts'
import { Child, runChild, runNode } from '../support/child.ts'
import { resolvedImports } from '../support/resolved-imports.ts'
import { runCli } from './run-cli.ts'

// Every command is a process of its own.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const ROOT = join(import.meta.dirname, '../..')

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'holdall-cli-'))
})
afterEach(() => rm(dir, { recursive: true }))
const put = (name: string, text: string) => writeFile(join(dir, name), text)
const cli = (...args: string[]) => runCli(dir, args)

describe('the command line', () => {
  test('shows help and version', async () => {
    const help = await cli('--help')
    expect(help).toMatchObject({ code: 0, stderr: '' })
    for (const name of [
      'serve',
      'ls',
      'cat',
      'put',
      'get',
      'cp',
      'mv',
      'sync',
      'migrate',
      'rm',
      'stat',
      'url',
      'du',
      'containers',
      'orphans',
      'collectstatic',
      'findstatic',
      'check',
      'settings',
      'init',
      'completion',
    ]) {
      expect(help.stdout).toMatch(new RegExp(`^  ${name} `, 'm'))
    }
    const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
    expect(await cli('--version')).toMatchObject({ code: 0, stdout: `${version}\n` })
  })

  test('runs from its sources as it does when it is built', async () => {
    const [help, built] = await Promise.all([runNode([join(ROOT, 'src/cli/bin.ts'), '--help']), cli('--help')])
    expect([help.stdout, help.stderr]).toEqual([built.stdout, ''])
  })

  test('loads static files, fields and ORMs only when a command needs them', async () => {
    const loaded = await resolvedImports('src/cli/main.ts')
    expect(loaded.filter(url => /\/src\/(?:static|fields|orm)\//.test(url))).toEqual([])
  })

  test.each([[['nonsense']], [['ls', '--nonsense']], [['stat']], [['put', '--concurrency', '0', 'x']]])(
    '%j is a usage error',
    async args => {
      const result = await cli(...args)
      expect(result).toMatchObject({ code: 2, stdout: '' })
      expect(result.stderr).toMatch(/^holdall: .+\n$/)
    },
  )

  test('says what is wrong with a command line also as JSON', async () => {
    const { code, stderr } = await cli('--json', 'lss')
    expect([code, JSON.parse(stderr)]).toEqual([
      2,
      { error: { name: 'UsageError', message: "unknown command 'lss' (did you mean 'ls'?)" } },
    ])
  })

  test('says which Node it needs when an older one runs it', async () => {
    const old = 'data:text/javascript,Object.defineProperty(process,"versions",{value:{node:"20.1.0"}})'
    const bin = join(import.meta.dirname, '../../src/cli/bin.ts')
    const result = await new Child(process.execPath, ['--import', old, bin, 'ls'], { input: '' }).ended
    expect(result).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('needs Node 22.18 or newer'),
    })
    expect(result.stderr).toContain('npm install')
  })

  test('fails with the reason when the configuration is wrong', async () => {
    expect(await cli('ls', 'other:')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("Could not find config for 'other' in settings.STORAGES."),
    })
    expect(await cli('--config', 'absent.json', 'ls')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("'absent.json' does not exist"),
    })
    await put('holdall.config.ts', 'export default {}\nconst wrong: number = ;')
    expect((await cli('ls')).stderr).toContain(`${join(dir, 'holdall.config.ts')}:2 could not be loaded: `)
    await put('holdall.config.ts', 'enum Kind { A }\nexport default {}')
    expect((await cli('ls')).stderr).toContain('holdall.config.ts:1 could not be loaded: TypeScript enum')
    // As `npm init` of npm 11 writes it.
    await put('package.json', '{"type":"commonjs"}')
    await put('holdall.config.ts', "import { join } from 'node:path'\nexport default { MEDIA_ROOT: join('a', 'b') }")
    expect((await cli('ls')).stderr).toContain(
      'holdall.config.ts:1 could not be loaded: it is an ES module in a package of "type": "commonjs"; set "type": "module"',
    )
    await rm(join(dir, 'package.json'))
    await put('holdall.config.ts', "export default { STORAGES: { a: { BACKEND: 'local', OPTIONS: { locatoin: 1 } } } }")
    expect((await cli('ls', 'a:')).stderr).toBe(
      `holdall: ${join(dir, 'holdall.config.ts')}: storage 'a': Invalid setting 'locatoin' for LocalStorage (did you mean 'location'?)\n`,
    )
  })

  test('tells where files go when nothing is configured', async () => {
    expect(await cli('put', '-', 'x')).toMatchObject({ code: 2 })
    const { code, stderr } = await cli('ls')
    expect([code, stderr]).toEqual([0, expect.stringContaining("'default' is the folder 'media' here")])
    expect(await cli('ls', '--quiet')).toMatchObject({ code: 0, stderr: '' })
  })

  test('loads a TypeScript configuration in a CommonJS package without a warning', async () => {
    await put('package.json', '{}')
    await put('holdall.config.ts', "export default { STORAGES: { default: { BACKEND: 'memory' as const } } }")
    expect(await cli('ls')).toEqual(expect.objectContaining({ code: 0, stdout: '', stderr: '' }))
  })

  test('colours nothing when nobody asks for it', async () => {
    expect((await cli('settings', 'local')).stdout).not.toContain('\x1b')
  })
})

describe('check', () => {
  const config = (extra: object) => put('holdall.config.json', JSON.stringify(extra))

  test('explains options with their origin, hides secrets, and leaves nothing behind', async () => {
    await put('.env', 'HOLDALL_URL_SECRET=very-secret-text\n')
    await config({
      MEDIA_ROOT: 'm',
      MEDIA_URL: '/m/',
      STORAGES: { default: { BACKEND: 'local', OPTIONS: { file_overwrite: true } } },
    })
    const { code, stdout, stderr } = await cli('check', '--json')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const [report] = JSON.parse(stdout).storages
    expect(report).toMatchObject({ alias: 'default', backend: 'LocalStorage', ok: true, features: { path: true } })
    const option = (name: string) => report.options.find((o: { name: string }) => o.name === name)
    expect(option('fileOverwrite')).toEqual({
      name: 'fileOverwrite',
      value: true,
      from: 'option',
      key: 'file_overwrite',
    })
    expect(option('location')).toMatchObject({ from: 'setting', key: 'MEDIA_ROOT' })
    expect(option('urlSecret')).toEqual({
      name: 'urlSecret',
      value: '***',
      from: 'environment',
      key: 'HOLDALL_URL_SECRET',
    })
    expect(report.steps.map((step: { name: string }) => step.name)).toEqual([
      'connect',
      'write',
      'read',
      'list',
      'url',
      'delete',
    ])
    expect(await readdir(join(dir, 'm'))).toEqual([])
    const shown = await cli('check')
    expect(shown).toMatchObject({ code: 0, stderr: '' })
    expect(shown.stdout).toContain('environment HOLDALL_URL_SECRET')
    expect(shown.stdout + stdout).not.toContain('very-secret-text')
  })

  test('fails for the storage that cannot be used and still tries the others', async () => {
    await put('file', 'in the way')
    const local = (location: string) => ({ BACKEND: 'local', OPTIONS: { location } })
    const STORAGES = {
      bad: local('file'),
      unknown: { BACKEND: 'nothing' },
      wrong: { BACKEND: 'memory', OPTIONS: { x: 1 } },
      good: { BACKEND: 'memory' },
    }
    await config({ STORAGES })
    const { code, stdout } = await cli('check', '--json')
    expect(code).toBe(1)
    const reports = JSON.parse(stdout).storages as Array<{
      alias: string
      ok: boolean
      steps: Array<{ ok: boolean; error?: { message: string } }>
    }>
    expect(reports.map(({ alias, ok }) => [alias, ok])).toEqual([
      ['bad', false],
      ['unknown', false],
      ['wrong', false],
      ['good', true],
    ])
    expect(reports[1]!.steps[0]!.error!.message).toContain("Could not find backend 'nothing'")
    expect(reports[0]!.steps.map(({ ok }) => ok)).toEqual([false])
    expect(reports[2]!.steps[0]!.error!.message).toBe("storage 'wrong': Invalid setting 'x' for MemoryStorage")
  })

  test('writes nothing in a dry run', async () => {
    await config({ MEDIA_ROOT: 'm', STATIC_ROOT: 's', STATIC_URL: '/s/' })
    expect(await cli('check', '--dry-run')).toMatchObject({ code: 0 })
    expect(await readdir(dir)).toEqual(['holdall.config.json'])
  })

  test('asks nothing of static files that nobody configured', async () => {
    await config({ MEDIA_ROOT: 'm' })
    const { code, stdout } = await cli('check', '--json')
    expect([code, JSON.parse(stdout).storages.map(({ alias }: { alias: string }) => alias)]).toEqual([0, ['default']])
    expect(await cli('check', 'staticfiles')).toMatchObject({ code: 1, stdout: expect.stringContaining('STATIC_ROOT') })
  })

  test('tells how to move settings of the boto backend', async () => {
    await config({ AWS_HEADERS: { 'Cache-Control': 'max-age=60' }, MEDIA_ROOT: 'm' })
    const { stdout } = await cli('check', '--json', 'default')
    expect(JSON.parse(stdout).advice).toContainEqual(
      expect.stringMatching(/^AWS_HEADERS -> AWS_S3_OBJECT_PARAMETERS: /),
    )
  })

  test('finds settings of the boto backend in the environment, and warns in its own form', async () => {
    await put('.env', 'AWS_HEADERS={"Expires":"0"}\nDEFAULT_FILE_STORAGE=storages.backends.s3boto.S3BotoStorage\n')
    const { stdout, stderr } = await cli('check', '--json', '--dry-run', '--env-file', '.env')
    expect(JSON.parse(stdout).advice).toEqual([
      'AWS_HEADERS -> AWS_S3_OBJECT_PARAMETERS: Headers became parameters: Expires.',
      expect.stringMatching(/^S3_USE_SIGV4: /),
      'DEFAULT_FILE_STORAGE: The class is now storages.backends.s3boto3.S3Boto3Storage.',
    ])
    const warnings = stderr
      .trim()
      .split('\n')
      .map(line => JSON.parse(line).warning as string)
    expect(warnings).toContainEqual(expect.stringContaining("'storages.backends.s3boto.S3BotoStorage' was removed"))
  })

  test('connects to S3, asks it what it can do, and removes what it wrote', async () => {
    const server = await startStrictS3()
    try {
      const { accessKeyId, secretAccessKey } = server.credentials
      const s3 = (OPTIONS: object) => ({ BACKEND: 's3', OPTIONS: { bucketName: 'media', ...OPTIONS } })
      const keys = { accessKey: accessKeyId, secretKey: secretAccessKey }
      const STORAGES = {
        good: s3({ endpointUrl: server.url, ...keys }),
        down: s3({ endpointUrl: 'http://127.0.0.1:9', ...keys, maxAttempts: 1 }),
      }
      await config({ STORAGES })
      const { code, stdout } = await cli('check', '--json')
      expect(code).toBe(1)
      const [good, down] = JSON.parse(stdout).storages
      expect(good).toMatchObject({ ok: true, features: { exclusiveCreate: true, signedUrl: true, path: false } })
      expect(down.steps).toEqual([expect.objectContaining({ name: 'connect', ok: false })])
      expect(stdout).not.toContain(secretAccessKey)
      expect([...server.bucket().objects.keys()]).toEqual([])
    } finally {
      await server.close()
    }
  })

  test('finds the boto backend among storages, and settings that nothing reads', async () => {
    await config({
      STORAGES: { default: { BACKEND: 'memory' }, old: { BACKEND: 'storages.backends.s3boto.S3BotoStorage' } },
      AWS_S3_PROXY_HOST: 'p',
      AWS_S3_PROXY_PORTY: 1,
      AWS_STORAGE_BUCKET_NAME: 'bkt',
      AWS_PRELOAD_METADATA: true,
      AWS_BUCKET_NAME: 'bkt',
      GZIP_CONTENT_TYPES: ['text/css'],
    })
    const { stdout } = await cli('check', '--json', 'default')
    const { advice } = JSON.parse(stdout)
    expect(advice).toEqual([
      'AWS_S3_PROXY_HOST, AWS_S3_PROXY_PORT -> AWS_S3_PROXIES: The proxy is now used for http and https.',
      expect.stringMatching(/^S3_USE_SIGV4: URLs are now signed by version 4/),
      "STORAGES['old'].BACKEND: The class is now storages.backends.s3boto3.S3Boto3Storage.",
      'AWS_PRELOAD_METADATA: no backend reads this setting.',
      "AWS_BUCKET_NAME: no backend reads this setting. (did you mean 'AWS_STORAGE_BUCKET_NAME'?)",
    ])
    const AWS_STORAGE_BUCKET_NAME = 'bkt'
    await config({
      MEDIA_ROOT: 'm',
      AWS_STORAGE_BUCKET_NAME,
      AWS_S3_ENDPOINT_URL: 'https://bkt.nyc3.digitaloceanspaces.com',
    })
    expect(JSON.parse((await cli('check', '--json', 'default')).stdout).advice).toEqual([
      "AWS_S3_ENDPOINT_URL: it begins with the bucket's name, which is added anyway: leave 'bkt.' out.",
    ])
    await config({
      MEDIA_ROOT: 'm',
      AWS_STORAGE_BUCKET_NAME,
      AWS_S3_TRANSFER_CONFIG: {},
      AWS_S3_ENDPOINT_URL: 'bkt.test',
    })
    expect(JSON.parse((await cli('check', '--json', 'default')).stdout).advice).toEqual([])
  })
})

describe('init', () => {
  test('writes a configuration that works, once', async () => {
    expect(await cli('init', '--format', 'json')).toMatchObject({ code: 0 })
    expect(await cli('check')).toMatchObject({ code: 0, stderr: '' })
    expect(await cli('init', '--format', 'json')).toMatchObject({ code: 1, stderr: expect.stringContaining('--force') })
    expect(await cli('init', '--force')).toMatchObject({ code: 1, stderr: expect.stringContaining('remove it first') })
    expect(await cli('init', '--config', 'own.yaml')).toMatchObject({ code: 2 })
    expect(await cli('init', '--format', 'json', '--force', '--backend', 'memory')).toMatchObject({ code: 0 })
    expect(JSON.parse(await readFile(join(dir, 'holdall.config.json'), 'utf8')).STORAGES.default).toEqual({
      BACKEND: 'memory',
      OPTIONS: {},
    })
  })

  test('writes TypeScript with defineConfig', async () => {
    await cli('init')
    const text = await readFile(join(dir, 'holdall.config.ts'), 'utf8')
    expect(text).toContain("import { defineConfig } from 'holdall'")
    expect(text).toContain("BACKEND: 'local'")
  })
})

describe('settings', () => {
  test('lists backends and the options of one', async () => {
    expect((await cli('settings')).stdout.split('\n')).toEqual(
      expect.arrayContaining(['local', 'memory', 's3', 'spaces']),
    )
    const rows = JSON.parse((await cli('settings', 'local', '--json')).stdout)
    expect(rows).toContainEqual(
      expect.objectContaining({
        option: 'filePermissionsMode',
        settings: ['FILE_UPLOAD_PERMISSIONS'],
        default: '0o644',
        aliases: ['file_permissions_mode'],
      }),
    )
    expect((await cli('settings', 'local', '--markdown')).stdout).toMatch(
      /^\| `location` \| `MEDIA_ROOT` \| text \| `'media'` \| /m,
    )
    expect(await cli('settings', 'nothing')).toMatchObject({ code: 2 })
  })
})

describe('completion', () => {
  test.each(['bash', 'zsh', 'fish'])('prints a script for %s with every command', async shell => {
    const { code, stdout } = await cli('completion', shell)
    expect(code).toBe(0)
    for (const name of ['serve', 'check', 'completion']) expect(stdout).toContain(name)
    expect(stdout).toMatch(shell === 'fish' ? /-l overwrite/ : /--overwrite/)
  })

  test('completes in bash', async () => {
    const { stdout } = await cli('completion', 'bash')
    const lines = [
      'put --ov',
      '--config put ge',
      'completion ""',
      'settings mem',
      'put x',
      '--json he',
      'migrate st',
      'migrate --fail',
    ]
    const ask = lines.map(
      line => `COMP_WORDS=(holdall ${line}); COMP_CWORD=$((\${#COMP_WORDS[@]}-1)); _holdall; echo "\${COMPREPLY[*]}"`,
    )
    const bash = await runChild('bash', ['-c', `${stdout}\n${ask.join('\n')}`])
    const completed = '--overwrite\nget\nbash zsh fish\nmemory\n\nhelp\nstatus\n--failures\n'
    expect(bash).toMatchObject({ code: 0, stdout: completed, stderr: '' })
  })

  test('refuses an unknown shell', async () => {
    expect(await cli('completion', 'tcsh')).toMatchObject({ code: 2 })
    expect(await cli('completion', 'constructor')).toMatchObject({ code: 2 })
  })
})

describe('serve', () => {
  test('--once stores, serves and compares the files of this package', async () => {
    const result = await cli('serve', '--once')
    expect(result).toMatchObject({ code: 0, stderr: '' })
    expect(result.stdout).toMatch(
      /^\d+ files, .*fetched back and equal; unsigned, tampered and expired URLs refused \(403\); page shown\.\n$/,
    )
  })

  test('takes a folder and keeps the storage at --root', async () => {
    await put('x.txt', 'x')
    const { code, stdout } = await cli(
      'serve',
      '.',
      '--once',
      '--json',
      '--root',
      join(dir, '../', `${dir.split('/').pop()}-root`),
    )
    const root = `${dir}-root`
    try {
      expect(code).toBe(0)
      expect(JSON.parse(stdout)).toMatchObject({ files: 1, bytes: 1, compared: true, served: [{ name: 'x.txt' }] })
      expect(await readdir(root)).toContain('x.txt')
    } finally {
      await rm(root, { recursive: true })
    }
    expect(await cli('serve', './absent')).toMatchObject({ code: 1, stderr: "holdall: './absent' does not exist.\n" })
    await mkdir(join(dir, 'empty'))
    expect(await cli('serve', 'empty', '--once')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no file to serve'),
    })
    expect(await cli('serve', 'x.txt')).toMatchObject({ code: 2 })
  })
})
