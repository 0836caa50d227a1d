/** The page of `holdall serve` in Chromium: with the mouse, by the keyboard alone, and on a phone. */
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { Page } from 'playwright-core'
import sharp from 'sharp'
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest'
import { startCli } from '../cli/run-cli.ts'
import { startChromium } from '../servers/chromium.ts'
import { startStrictS3 } from '../servers/strict-s3.ts'
import type { Child } from '../support/child.ts'
import { webm } from './browser/inert.ts'

// A browser that starts while other servers do may be slow.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 })

const ROOT = join(import.meta.dirname, '../..')
/** Written anew by `UPDATE_SCREENSHOT=1`. */
const SCREENSHOT = join(ROOT, 'docs/images/storage-browser.png')
const MAX_SCREENSHOT = 200 * 1024

const { context, close } = await startChromium()
afterAll(close, 60_000)
await context.grantPermissions(['clipboard-read', 'clipboard-write'])

let dir: string
let child: Child
let page: Page
/** What the page itself got wrong: exceptions, what its policy forbids, and dialogs that a script opened. */
let complaints: string[]

/** Opens the page of `holdall serve` by the URL that it prints. */
async function open(...args: string[]): Promise<void> {
  child = startCli(dir, ['serve', ...args], {})
  const [url] = await child.printed(/^\S+(?=\n)/)
  page = await context.newPage()
  await page.setViewportSize({ width: 1200, height: 800 })
  page.on('pageerror', error => complaints.push(String(error)))
  page.on('dialog', dialog => {
    complaints.push(dialog.message())
    dialog.dismiss().catch(() => {})
  })
  page.on('console', message => {
    if (message.type() === 'error' || /policy|trusted/i.test(message.text())) complaints.push(message.text())
  })
  await page.goto(url)
  await page.locator('#rows tr, #note:not([hidden])').first().waitFor()
}

beforeEach(async () => {
  complaints = []
  dir = await mkdtemp(join(tmpdir(), 'holdall-browser-'))
  await mkdir(join(dir, 'docs'))
  await cp(join(ROOT, 'docs/guide.md'), join(dir, 'docs/guide.md'))
  await cp(join(ROOT, 'docs/images'), join(dir, 'pictures'), { recursive: true })
  await cp(join(ROOT, 'examples/media'), dir, { recursive: true })
  await cp(join(ROOT, 'examples/quickstart.ts'), join(dir, 'quickstart.ts'))
  await cp(join(ROOT, 'docs/guide.md'), join(dir, 'README.md'))
})
afterEach(async () => {
  await page.close()
  child.process.kill('SIGINT')
  await child.done(130)
  await rm(dir, { recursive: true })
  expect(complaints).toEqual([])
})

const names = (): Promise<string[]> => page.locator('#rows b').allTextContents()
const row = (name: string) => page.locator('#rows tr').filter({ has: page.getByText(name, { exact: true }) })
const link = (name: string) => row(name).locator('a.open')
const preview = () => page.locator('#preview')
const focused = (): Promise<string> =>
  page.evaluate(`document.activeElement.closest('tr')?.dataset.path ?? document.activeElement.id`)
/** Asks the page again and again: its policy forbids what `waitForFunction` does. */
const until = (condition: string): Promise<unknown> =>
  vi.waitFor(async () => expect(await page.evaluate(condition), condition).toBe(true), {
    timeout: 30_000,
    interval: 20,
  })
const status = (text: string | RegExp) => page.getByRole('status').filter({ hasText: text }).waitFor()

test('folders, names, sizes, dates and thumbnails are shown, and the token leaves the address', async () => {
  await open('.')
  expect(new URL(page.url()).search).toBe('')
  expect((await names()).slice(0, 4)).toEqual(['docs', 'pictures', 'bag.svg', 'gradient.png'])
  expect(await row('gradient.png').locator('.size').textContent()).toBe('1.1 kB')
  expect(await row('gradient.png').locator('.date').textContent()).toMatch(/20\d\d/)
  for (const name of ['bag.svg', 'gradient.png']) {
    const image = row(name).locator('img')
    await image.waitFor()
    await until(`[...document.querySelectorAll('#rows img')].every(img => img.complete && img.naturalWidth > 0)`)
  }
  expect(await page.locator('.delete, #upload:visible').count()).toBe(0)
  await page.getByRole('button', { name: 'Size', exact: true }).click()
  await page.getByRole('button', { name: 'Size', exact: true }).click()
  expect((await names())[2]).toBe('README.md')
  expect(await page.locator('th.size').getAttribute('aria-sort')).toBe('descending')
  await link('pictures').click()
  await link('resumes.png').waitFor()
  expect(await page.title()).toBe('pictures – Holdall')
  await page.goBack()
  await link('docs').waitFor()
})

test('previews show images, text, Markdown, sound and film, and HTML as text', async () => {
  await writeFile(join(dir, 'evil.html'), '<title>x</title><script>alert(1)</script><h1>Stored</h1>')
  await writeFile(
    join(dir, 'evil.svg'),
    '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)" width="9" height="9"/>',
  )
  await writeFile(join(dir, 'evil.md'), '# Mark<script>alert(1)</script>\n\n<img src=x onerror=alert(1)>')
  await writeFile(join(dir, 'film.webm'), webm)
  await writeFile(join(dir, 'data.bin'), Buffer.from([1, 0, 2]))
  await writeFile(join(dir, 'binary.txt'), Buffer.from([65, 0, 66]))
  await open('.')
  await link('gradient.png').click()
  await until(`document.querySelector('#preview-body img')?.naturalWidth > 0`)
  await page.getByRole('button', { name: 'Close' }).click()
  await link('sizes.csv').click()
  expect(await preview().locator('pre').textContent()).toBe(await readFile(join(dir, 'sizes.csv'), 'utf8'))
  await page.keyboard.press('Escape')
  await link('quickstart.ts').click()
  expect(await preview().locator('pre').textContent()).toContain('import')
  await page.keyboard.press('Escape')
  await link('README.md').click()
  await page.frameLocator('#preview iframe').getByRole('heading', { name: 'Guide', exact: true }).waitFor()
  await page.keyboard.press('Escape')
  await link('tone.wav').click()
  await until(`document.querySelector('#preview audio')?.duration > 0`)
  await page.keyboard.press('Escape')
  await link('film.webm').click()
  await until(`document.querySelector('#preview video')?.videoWidth === 32`)
  await page.keyboard.press('Escape')
  await link('evil.html').click()
  expect(await preview().locator('pre').textContent()).toBe(await readFile(join(dir, 'evil.html'), 'utf8'))
  await page.keyboard.press('Escape')
  await link('evil.svg').click()
  await until(`document.querySelector('#preview-body img')?.naturalWidth > 0`)
  await page.keyboard.press('Escape')
  await link('evil.md').click()
  const frame = page.frameLocator('#preview iframe')
  await frame.getByText('<script>alert(1)</script>').waitFor()
  expect(await frame.locator('script, img').count()).toBe(0)
  await page.keyboard.press('Escape')
  for (const name of ['data.bin', 'binary.txt']) {
    await link(name).click()
    await preview().getByText('There is no preview').waitFor()
    await page.keyboard.press('Escape')
  }
  // Opened by itself, stored HTML is a download and never a page of this origin.
  const download = page.waitForEvent('download')
  await page.evaluate(`location.href = document.querySelector('[data-path="evil.html"] a').href`)
  expect((await download).suggestedFilename()).toBe('evil.html')
})

test('the keyboard does everything: arrows, Enter, Backspace, search, and Delete with a question', async () => {
  await open('.', '--writable')
  await page.keyboard.press('ArrowDown')
  expect(await focused()).toBe('docs')
  await page.keyboard.press('Enter')
  await link('guide.md').waitFor()
  await page.keyboard.press('Backspace')
  await link('gradient.png').waitFor()
  await until(`document.activeElement.closest('tr')?.dataset.path === 'docs'`)
  await page.keyboard.press('End')
  expect(await focused()).toBe('tone.wav')
  await page.keyboard.press('Home')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowDown')
  expect(await focused()).toBe('bag.svg')
  await page.keyboard.press('Enter')
  await preview().getByText('bag.svg').waitFor()
  await page.keyboard.press('ArrowRight')
  await preview().getByText('gradient.png').waitFor()
  await page.keyboard.press('Escape')
  await until(`document.activeElement.closest('tr')?.dataset.path === 'gradient.png'`)
  expect(await page.evaluate(`getComputedStyle(document.activeElement).outlineStyle`), 'the focus can be seen').toBe(
    'solid',
  )
  await page.keyboard.press('/')
  expect(await focused()).toBe('search')
  await page.keyboard.type('GRÜ')
  expect(await names()).toEqual(['grüße – 你好.txt'])
  await page.keyboard.type('zzz')
  await page.getByText('Nothing in this folder has such a name.').waitFor()
  for (let key = 0; key < 3; key++) await page.keyboard.press('Backspace')
  await page.keyboard.press('ArrowDown')
  expect(await focused()).toBe('grüße – 你好.txt')
  await page.keyboard.press('Delete')
  await page.getByRole('dialog').getByText('Delete grüße – 你好.txt? This cannot be undone.').waitFor()
  await page.keyboard.press('Escape')
  expect(await readdir(dir)).toContain('grüße – 你好.txt')
  await page.keyboard.press('Delete')
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).focus()
  await page.keyboard.press('Enter')
  await status('grüße – 你好.txt was deleted.')
  expect(await readdir(dir)).not.toContain('grüße – 你好.txt')
  // The focus stays where it was, for the next one.
  await page.fill('#search', '')
  await link('quickstart.ts').focus()
  await page.keyboard.press('Delete')
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await status('quickstart.ts was deleted.')
  await until(`document.activeElement.closest('tr')?.dataset.path === 'README.md'`)
  // A folder is never deleted, also where a file has the same name.
  await link('docs').focus()
  await page.keyboard.press('Delete')
  expect(await page.locator('#question[open]').count()).toBe(0)
})

test('a folder that is dropped keeps its folders, and the tab warns while files are on their way', async () => {
  const dropped = join(dir, 'album')
  await mkdir(join(dropped, 'in/deep ü'), { recursive: true })
  await writeFile(join(dropped, 'a.txt'), 'a')
  await writeFile(join(dropped, 'in/deep ü/b.txt'), 'b')
  const place = join(dir, 'place')
  await mkdir(join(place, 'docs'), { recursive: true })
  await open('place', '--writable')
  await link('docs').click()
  await page.getByText('This folder is empty.').waitFor()
  const browser = await context.newCDPSession(page)
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    const data = { items: [], files: [dropped], dragOperationsMask: 1 }
    await browser.send('Input.dispatchDragEvent', { type, x: 400, y: 300, data })
  }
  await status('b.txt was uploaded.')
  await link('album').waitFor()
  expect(await readFile(join(place, 'docs/album/a.txt'), 'utf8')).toBe('a')
  expect(await readFile(join(place, 'docs/album/in/deep ü/b.txt'), 'utf8')).toBe('b')
  expect(await page.evaluate(`dispatchEvent(new Event('beforeunload', { cancelable: true }))`)).toBe(true)
  await page.evaluate(`(() => {
    const data = new DataTransfer()
    data.items.add(new File([new Uint8Array(5_000_000)], 'large.bin'))
    document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }))
  })()`)
  expect(await page.evaluate(`dispatchEvent(new Event('beforeunload', { cancelable: true }))`)).toBe(false)
  await status('large.bin was uploaded.')
})

test.each(['client', 'server'])('when the %s goes away during an upload, nothing is left of it', async who => {
  await open('.', '--writable')
  const before = await readdir(dir)
  const { port } = new URL(page.url())
  const cookie = (await context.cookies()).find(({ name }) => name === `holdall_${port}`)
  const query = new URLSearchParams({ storage: basename(dir), path: '', name: 'large.bin' })
  const headers = {
    cookie: `${cookie!.name}=${cookie!.value}`,
    'x-storage-browser': '1',
    'sec-fetch-site': 'same-origin',
    'content-length': '100000000',
  }
  const sending = request(new URL(`/-/file?${query}`, page.url()), { method: 'PUT', headers })
  const over = new Promise<void>(resolve => sending.once('close', resolve))
  sending.on('error', () => {})
  sending.write(Buffer.alloc(20_000_000))
  await vi.waitFor(async () => expect(await readdir(dir)).toHaveLength(before.length + 1), 10_000)
  if (who === 'client') sending.destroy()
  else {
    child.process.kill('SIGINT')
    await child.done(130)
  }
  await over
  await vi.waitFor(async () => expect((await readdir(dir)).sort()).toEqual(before.sort()), 10_000)
})

test('links and pictures of Markdown that lead into the storage are text', async () => {
  const text =
    '[rel](other.md) ![pic](images/x.png) [abs](/-/file?path=x) [js](javascript:alert(1)) [ok](https://example.com/)'
  await writeFile(join(dir, 'links.md'), text)
  await open('.')
  await link('links.md').click()
  const frame = page.frameLocator('#preview iframe')
  await frame.getByRole('link', { name: 'ok' }).waitFor()
  expect(await frame.locator('body').textContent()).toContain('rel [pic] abs js ok')
  expect(await frame.locator('a').evaluateAll(links => links.map(each => each.outerHTML))).toEqual([
    '<a href="https://example.com/" target="_blank" rel="noopener noreferrer">ok</a>',
  ])
})

test('storages of the configuration are browsed: S3 and memory, chosen by their names', async () => {
  const server = await startStrictS3()
  const { accessKeyId: accessKey, secretAccessKey: secretKey } = server.credentials
  const OPTIONS = { endpointUrl: server.url, regionName: server.region, bucketName: 'media', accessKey, secretKey }
  const STORAGES = { default: { BACKEND: 'memory' }, cloud: { BACKEND: 's3', OPTIONS } }
  await writeFile(join(dir, 'holdall.config.json'), JSON.stringify({ STORAGES }))
  try {
    await open('cloud:', 'default:', '--writable')
    expect(await page.locator('nav option').allTextContents()).toEqual(['cloud', 'default'])
    const png = await readFile(join(dir, 'gradient.png'))
    for (const label of ['cloud', 'default']) {
      await page.locator('nav select').selectOption(label)
      await page.getByText('This folder is empty.').waitFor()
      await page.setInputFiles('#files', { name: 'a ü.png', mimeType: 'image/png', buffer: png })
      await status('a ü.png was uploaded.')
      await until(`document.querySelector('#rows img')?.naturalWidth > 0`)
      await row('a ü.png').locator('.link').click()
      await status('The link to a ü.png was copied.')
      const copied = await page.evaluate<string>('navigator.clipboard.readText()')
      expect(copied.startsWith(label === 'cloud' ? server.url : page.url().split('/#')[0]!), copied).toBe(true)
      expect(Buffer.from(await (await fetch(copied)).arrayBuffer()).equals(png)).toBe(true)
      await row('a ü.png').locator('.delete').click()
      await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
      await page.getByText('This folder is empty.').waitFor()
    }
    expect(server.bucket().objects.size).toBe(0)
  } finally {
    await server.close()
  }
})

test('files are uploaded by the button and by a drop, with progress, under free names; and are downloaded and linked to', async () => {
  await open('.', '--writable')
  const upload = { name: 'new ü.txt', mimeType: 'text/html', buffer: Buffer.from('new') }
  await page.setInputFiles('#files', [upload, { ...upload, buffer: Buffer.from('second') }])
  await page.getByText(/^Uploaded as new ü_\w{7}\.txt, as the name was taken$/).waitFor()
  await link('new ü.txt').waitFor()
  expect(await readFile(join(dir, 'new ü.txt'), 'utf8')).toBe('new')
  // A drop of a large file, whose bar must be seen on its way.
  await page.evaluate(`(() => {
    window.seen = []
    window.watch = setInterval(() => {
      const bar = document.querySelector('#transfers progress')
      if (bar) window.seen.push(bar.value)
    }, 1)
    const data = new DataTransfer()
    data.items.add(new File([new Uint8Array(30_000_000).fill(65)], 'dropped.bin'))
    const fire = type => document.body.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }))
    fire('dragover')
    window.isMarked = document.body.classList.contains('dropping')
    fire('drop')
  })()`)
  expect(await page.evaluate('window.isMarked')).toBe(true)
  await status('dropped.bin was uploaded.')
  expect((await stat(join(dir, 'dropped.bin'))).size).toBe(30_000_000)
  await page.evaluate('clearInterval(window.watch)')
  expect(await page.evaluate(`window.seen.some(value => value > 0 && value < 1)`)).toBe(true)
  await link('dropped.bin').waitFor()

  const download = page.waitForEvent('download')
  await row('sizes.csv').locator('.download').click()
  const file = await download
  expect([file.suggestedFilename(), await readFile(await file.path(), 'utf8')]).toEqual([
    'sizes.csv',
    await readFile(join(dir, 'sizes.csv'), 'utf8'),
  ])
  await row('new ü.txt').locator('.link').click()
  await status(/The link to new ü\.txt was copied\. It is valid until/)
  const copied = await page.evaluate<string>('navigator.clipboard.readText()')
  expect(await (await fetch(copied)).text()).toBe('new')
  await row('new ü.txt').locator('.delete').click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await status('new ü.txt was deleted.')
  expect(await readdir(dir)).not.toContain('new ü.txt')
})

test('names are text everywhere: in the list, titles, questions, messages and downloads', async () => {
  const evil = [
    '<img src=x onerror=alert(1)>.txt',
    '"><script>alert(1)<slash>script>.txt',
    '\u202egnp.txt',
    'line\nbreak.txt',
    '%2e%2e%2f.txt',
    'a#b?c&d.txt',
    '__proto__',
    `${'long'.repeat(50)}.txt`,
    '👩‍👩‍👧.txt',
  ]
  for (const name of evil) await writeFile(join(dir, name), 'x')
  await mkdir(join(dir, '<b>#?%2f&amp;'))
  await writeFile(join(dir, '<b>#?%2f&amp;', 'in.txt'), 'x')
  await open('.', '--writable')
  const listed = await names()
  const codes = { '\u202e': '\\u202e', '\n': '\\u000a' }
  const shown = (name: string) => name.replace(/[\u202e\n]/g, char => codes[char as keyof typeof codes])
  for (const name of evil) expect(listed).toContain(shown(name))
  for (const name of evil) {
    await link(shown(name)).click()
    await preview().locator('pre').waitFor()
    expect(await page.locator('#preview-name').textContent()).toBe(shown(name))
    await page.keyboard.press('Escape')
    await row(shown(name)).locator('.link').click()
    await status('was copied')
    await row(shown(name)).locator('.delete').click()
    const question = page.getByRole('dialog')
    await question.getByText(`Delete ${shown(name)}?`).waitFor()
    await question.getByRole('button', { name: 'Cancel' }).click()
  }
  await link('<b>#?%2f&amp;').click()
  await link('in.txt').waitFor()
  expect(await page.locator('nav').textContent()).toContain('<b>#?%2f&amp;')
  expect(await page.locator('main img, main script, nav b').count()).toBe(0)
  await page.reload()
  await link('in.txt').waitFor()
  await page.keyboard.press('Backspace')
  await row(evil[0]!).locator('.delete').click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await status(`${evil[0]} was deleted.`)
  const download = page.waitForEvent('download')
  await row(shown(evil[5]!)).locator('.download').click()
  expect((await download).suggestedFilename()).toMatch(/^a#b.c&d\.txt$/)
  await page.setInputFiles('#files', { name: evil[1]!, mimeType: 'text/plain', buffer: Buffer.from('y') })
  await status(/^">.* was uploaded\.$/)
})

test('on a phone nothing is cut, and what is touched is large enough', async () => {
  await writeFile(join(dir, `${'unbroken'.repeat(25)}.txt`), 'x')
  await open('.', '--writable')
  await page.setViewportSize({ width: 360, height: 740 })
  const overflow = `document.documentElement.scrollWidth - innerWidth`
  expect(await page.evaluate(overflow)).toBeLessThanOrEqual(0)
  const small = () =>
    page.evaluate<string[]>(`[...document.querySelectorAll('a, button, input')]
      .filter(it => it.checkVisibility() && it.getBoundingClientRect().width > 0)
      .filter(it => it.getBoundingClientRect().height < 44 || it.getBoundingClientRect().width < 44)
      .map(it => it.outerHTML.slice(0, 120))`)
  expect(await small()).toEqual([])
  await link('gradient.png')
    .tap()
    .catch(() => link('gradient.png').click())
  await preview().getByText('gradient.png').waitFor()
  expect([await page.evaluate(overflow), await small()]).toEqual([0, []])
  await page.getByRole('button', { name: 'Close' }).click()
  await link('sizes.csv').click()
  await preview().locator('pre').waitFor()
  expect(await page.evaluate(overflow)).toBeLessThanOrEqual(0)
})

test('a folder of hundreds is loaded further by a button, and a search loads what it needs', async () => {
  await mkdir(join(dir, 'many'))
  for (let number = 0; number < 450; number++) await writeFile(join(dir, 'many', `n${number}.txt`), 'x')
  await open('.')
  await link('many').click()
  await until(`document.querySelectorAll('#rows tr').length === 200`)
  await page.getByRole('button', { name: 'Load more' }).click()
  await until(`document.querySelectorAll('#rows tr').length === 400`)
  await page.fill('#search', 'n44')
  await until(`document.querySelectorAll('#rows tr').length === 11`)
  await until(`document.querySelector('#more').hidden`)
  expect(await names()).toHaveLength(11)
})

test('every entry of a folder of thousands can be reached', async () => {
  await mkdir(join(dir, 'many'))
  for (let number = 0; number < 5300; number++) await writeFile(join(dir, 'many', `n${number}.txt`), '')
  await writeFile(join(dir, 'many', 'zz.txt'), 'x')
  await open('.')
  await link('many').click()
  await until(`document.querySelectorAll('#rows tr').length === 200`)
  await page.fill('#search', 'zz')
  await page.getByText('None of the first 5200 entries has such a name.').waitFor()
  await page.getByRole('button', { name: 'Search further' }).click()
  await link('zz.txt').waitFor()
  expect([await names(), await page.locator('#more').isHidden()]).toEqual([['zz.txt'], true])
  await page.fill('#search', '')
  await until(`document.querySelectorAll('#rows tr').length === 1000`)
  await page.getByRole('button', { name: 'Load more (1000 shown)' }).click()
  await until(`document.querySelectorAll('#rows tr').length === 2000`)
  // An address that somebody has mistyped shows the storage.
  await page.evaluate(`location.hash = '#/%/x'`)
  await link('many').waitFor()
})

test('a server that is gone, and a cookie that is none, are reported in words', async () => {
  await open('.')
  await context.clearCookies()
  await link('docs').click()
  await page.getByText('The request failed (403).').waitFor()
  await page.reload()
  expect(await page.locator('body').textContent()).toContain('Open the URL that holdall serve printed.')
  child.process.kill('SIGINT')
  await child.done(130)
  await page.close()
  await open('.')
  child.process.kill('SIGINT')
  await child.done(130)
  await link('docs').click()
  await page.getByText('The server cannot be reached.').waitFor()
  complaints = complaints.filter(text => !/status of 403|net::ERR_/.test(text))
})

test('the page looks as the README shows it', async () => {
  for (const [name, colours] of Object.entries({
    'harbour.jpg': ['#0b3d91', '#f2a65a'],
    'meadow.jpg': ['#2f7d32', '#cfe8a9'],
  })) {
    const [from, to] = colours
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="640" height="640"><defs><linearGradient id="g" x2="0" y2="1"><stop stop-color="${to}"/><stop offset="1" stop-color="${from}"/></linearGradient></defs><rect width="640" height="640" fill="url(#g)"/><circle cx="440" cy="200" r="80" fill="#fff8"/><path d="M0 480 160 330 320 470 480 300 640 450V640H0z" fill="#0006"/></svg>`
    await writeFile(join(dir, name), await sharp(Buffer.from(svg)).jpeg().toBuffer())
  }
  // The fonts here have no Chinese.
  await rm(join(dir, 'grüße – 你好.txt'))
  const media = join(dir, 'media')
  await mkdir(media)
  for (const name of await readdir(dir)) if (name !== 'media') await rename(join(dir, name), join(media, name))
  await open('media', '--writable')
  await until(`[...document.querySelectorAll('#rows img')].every(img => img.complete && img.naturalWidth > 0)`)
  await page.mouse.move(600, 5)
  const bytes = await page.screenshot()
  const { width, height } = await sharp(bytes).metadata()
  expect([width, height]).toEqual([1200, 800])
  if (process.env['UPDATE_SCREENSHOT'] === '1') {
    await writeFile(SCREENSHOT, await sharp(bytes).png({ palette: true, effort: 10 }).toBuffer())
  }
  expect((await stat(SCREENSHOT)).size).toBeLessThanOrEqual(MAX_SCREENSHOT)
})
