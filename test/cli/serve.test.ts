/** `holdall serve` as a process: what it prints, who gets in, and what the page shows. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { answerOf } from '../serve/browsed.ts'
import { runCli, startCli } from './run-cli.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'holdall-serve-test-'))
})
afterEach(() => rm(dir, { recursive: true }))

const CHANGE = { 'x-storage-browser': '1', 'sec-fetch-site': 'same-origin' }

/** Starts the command, opens the page by the URL that it prints, and gives what a browser then has. */
async function served(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const child = startCli(dir, ['serve', ...args], { env })
  const [line] = await child.printed(/^.*\n/)
  const [message] = await child.complained(/^.*Ctrl-C ends\n/s)
  const url = new URL(line.trim())
  const admitted = await fetch(url, { redirect: 'manual' })
  const cookie = admitted.headers.get('set-cookie')!.split(';', 1)[0]!
  const get = (path: string, init: RequestInit = {}) =>
    fetch(new URL(path, url), { ...init, headers: { cookie, ...init.headers } })
  const stop = async () => {
    child.process.kill('SIGINT')
    const { stdout } = await child.done(130)
    expect(stdout).toBe(line)
  }
  return { url, message, get, stop }
}

test('a folder is served where it is, read-only, at one URL whose token is needed', async () => {
  await writeFile(join(dir, 'x.txt'), 'hello')
  const { url, message, get, stop } = await served(['.'])
  expect(url.href).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{22}$/)
  expect(message).toContain('read-only (--writable allows changes); Ctrl-C ends')
  expect(await (await get('/')).text()).toContain('-/app.js')
  const [storage] = (await answerOf(get('/-/storages'))).storages
  expect(storage).toMatchObject({ label: dir.split('/').pop(), writable: false, links: true })
  const query = new URLSearchParams({ storage: storage!.label, path: 'x.txt' })
  expect(await (await get(`/-/file?${query}`)).text()).toBe('hello')
  for (const path of ['/', '/-/storages', `/-/file?${query}`, '/?token=wrong', '/media/x.txt']) {
    expect([path, (await fetch(new URL(path, url))).status]).toEqual([path, 403])
  }
  const link = (await answerOf(get(`/-/link?${query}`))).url
  expect([link, await (await fetch(link)).text()]).toEqual([expect.stringContaining('/media/x.txt?'), 'hello'])
  expect((await get(`/-/file?${query}`, { method: 'DELETE', headers: CHANGE })).status).toBe(403)
  // Under another name of this machine, which a foreign page may have made.
  const answer = await new Promise<number | undefined>((resolve, reject) => {
    request(url, { headers: { host: 'evil.example' } }, ({ statusCode }) => resolve(statusCode))
      .on('error', reject)
      .end()
  })
  expect(answer).toBe(403)
  await stop()
  expect(await readdir(dir)).toEqual(['x.txt'])
})

test('without arguments the examples are stored in a temporary folder, writable, and gone at the end', async () => {
  const { message, get, stop } = await served([], { TMPDIR: dir })
  expect(message).toMatch(/^serving \d+ files \(.*; Ctrl-C ends\n$/)
  const { entries } = await answerOf(get('/-/list?storage=files&path=media'))
  expect(entries.map(({ name }) => name)).toContain('gradient.png')
  const put = await get('/-/file?storage=files&path=media&name=new.txt', {
    method: 'PUT',
    body: 'new',
    headers: CHANGE,
  })
  expect(put.status).toBe(201)
  expect(await readdir(dir)).toHaveLength(1)
  await stop()
  expect(await readdir(dir)).toEqual([])
})

test('any configured storages are served, whole or a folder of them, with links where they have no URLs', async () => {
  const STORAGES = {
    default: { BACKEND: 'memory' },
    disk: { BACKEND: 'local', OPTIONS: { location: join(dir, 'disk') } },
  }
  await mkdir(join(dir, 'disk/in'), { recursive: true })
  await writeFile(join(dir, 'disk/in/a.txt'), 'alpha')
  await writeFile(join(dir, 'disk/secret.txt'), 'secret')
  await writeFile(join(dir, 'holdall.config.json'), JSON.stringify({ STORAGES }))
  const { url, get, stop } = await served(['default:', 'disk:in', '--writable', '--max-upload', '5'])
  const { storages } = await answerOf(get('/-/storages'))
  expect(storages).toEqual([
    { label: 'default', writable: true, links: true },
    { label: 'disk:in', writable: true, links: true },
  ])
  const put = (path: string, body: string) => get(`/-/file?${path}`, { method: 'PUT', body, headers: CHANGE })
  expect((await put('storage=disk:in&name=b.txt', 'bravo')).status).toBe(201)
  expect(await readFile(join(dir, 'disk/in/b.txt'), 'utf8')).toBe('bravo')
  expect((await put('storage=disk:in&name=c.txt', 'charlie')).status).toBe(413)
  expect((await put('storage=default&name=m.txt', 'mem')).status).toBe(201)
  expect((await get('/-/file?storage=disk:in&path=../secret.txt')).status).toBe(404)
  const link = (await answerOf(get('/-/link?storage=disk:in&path=a.txt'))).url
  expect(await (await fetch(new URL(link, url.origin))).text()).toBe('alpha')
  expect((await fetch(new URL(link.replace('a.txt', 'b.txt'), url.origin))).status).toBe(403)
  expect((await get('/-/file?storage=disk:in&path=a.txt', { method: 'DELETE', headers: CHANGE })).status).toBe(204)
  expect((await readdir(join(dir, 'disk/in'))).sort()).toEqual(['b.txt'])
  await stop()
})

test('what cannot be served is said, with the option that is meant', async () => {
  await writeFile(join(dir, 'x.txt'), 'x')
  const STORAGES = { default: { BACKEND: 'local', OPTIONS: { location: '.' } } }
  await writeFile(join(dir, 'holdall.config.json'), JSON.stringify({ STORAGES }))
  const cases: Array<[string[], number, string]> = [
    [['absent'], 1, "'absent' does not exist; a storage of the configuration is written 'absent:'."],
    [['./absent'], 1, "'./absent' does not exist."],
    [['.', '--expires', '2 weeks'], 2, '--expires: expected whole seconds, or a duration'],
    [['x.txt'], 2, "serve: 'x.txt' is not a folder."],
    [[':x.txt'], 2, "serve: ':x.txt' is not a folder."],
    [['unknown:'], 1, 'unknown'],
    [[':', '--once'], 2, 'serve: --once takes one local folder.'],
    [['.', '.', '--root', 'r'], 2, 'serve: --root takes one local folder.'],
    [['.', '--port', '70000'], 2, '--port: expected a whole number'],
    [['.', '--max-upload', 'much'], 2, '--max-upload: expected a whole number'],
  ]
  await Promise.all(
    cases.map(async ([args, code, text]) => {
      const ended = await runCli(dir, ['serve', ...args])
      expect([args, ended.code, ended.stderr]).toEqual([args, code, expect.stringContaining(text)])
    }),
  )
  const dry = await runCli(dir, ['serve', ':', '.', '--dry-run'])
  expect([dry.code, dry.stdout]).toEqual([0, 'would serve :\nwould serve .\n'])
})

test('a page that others can reach is warned of, and JSON has the URL', async () => {
  const child = startCli(dir, ['serve', '.', '--host', '0.0.0.0', '--json'])
  const [document] = await child.printed(/^\{.*\n\}\n/s)
  const { url, storages, writable } = JSON.parse(document)
  expect([URL.canParse(url), storages, writable]).toEqual([true, [dir.split('/').pop()], false])
  await child.complained(/can be reached from other machines, unencrypted/)
  child.process.kill('SIGINT')
  await child.done(130)
})
