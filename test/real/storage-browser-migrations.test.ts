/** The page of migrations in Chromium: what it shows, when it asks, and how it looks. */
import { once } from 'node:events'
import { stat, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import sharp from 'sharp'
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { StorageError } from '../../src/core/errors.ts'
import type { MigrationStatus } from '../../src/core/migration-status.ts'
import { createStorageBrowser } from '../../src/serve/browser/index.ts'
import { toNodeListener } from '../../src/serve/index.ts'
import { fleet, migration } from '../serve/migrations.ts'
import { startChromium } from '../servers/chromium.ts'

// A browser that starts while other servers do may be slow.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 })

/** Written anew by `UPDATE_SCREENSHOT=1`. */
const SCREENSHOT = join(import.meta.dirname, '../../docs/images/migrations.png')
const MAX_SCREENSHOT = 200 * 1024

const { context, close } = await startChromium()
afterAll(close, 60_000)

let server: Server
let handler: ReturnType<typeof createStorageBrowser>
let page: Page
let complaints: string[]
/** What the source returns or throws. */
let answer: () => Promise<readonly MigrationStatus[]>
let [asked, running, mostRunning] = [0, 0, 0]

const storage = new MemoryStorage({}, { env: {}, settings: {} })
const source = async (): Promise<readonly MigrationStatus[]> => {
  asked++
  mostRunning = Math.max(mostRunning, ++running)
  try {
    return await answer()
  } finally {
    running--
  }
}

const url = (route: string): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/files/${route}`

/** Opens the page with these migrations; its clock then moves by `pass` only. */
async function open(...shown: MigrationStatus[]): Promise<void> {
  answer = async () => shown
  await page.addInitScript(COUNTING)
  await page.clock.install()
  await page.goto(url('migrations'))
  await page
    .locator('article, #note:not([hidden])')
    .nth(Math.max(0, shown.length - 1))
    .waitFor()
  await page.clock.pauseAt(Date.now() + 60_000)
  await settled()
}

/** Counts the requests of the page and its answers; what it does with an answer is done before the next look at it. */
const COUNTING = `(() => {
  ;[window.sent, window.answered] = [0, 0]
  const { fetch } = window
  window.fetch = async (...args) => {
    window.sent++
    try {
      const answer = await fetch(...args)
      const value = JSON.parse(await answer.text())
      answer.json = async () => (window.answered++, value)
      return answer
    } catch (error) {
      window.answered++
      throw error
    }
  }
})()`

/** Waits until the page has shown the answer to its last request. */
const settled = (): Promise<unknown> =>
  vi.waitFor(async () => expect(await page.evaluate('sent - answered')).toBe(0), { timeout: 10_000, interval: 10 })

/** Lets so much time pass on the page; returns how often the source was asked meanwhile. */
async function pass(seconds: number): Promise<number> {
  const before = asked
  await page.clock.runFor(seconds * 1000)
  await settled()
  return asked - before
}
const figure = (label: string) => page.locator('.figures > div').filter({ has: page.getByText(label, { exact: true }) })

beforeEach(async () => {
  ;[asked, running, mostRunning] = [0, 0, 0]
  complaints = []
  handler = createStorageBrowser({ media: storage }, { basePath: '/files', migrations: source })
  server = createServer(toNodeListener(handler)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  page = await context.newPage()
  await page.setViewportSize({ width: 1200, height: 800 })
  page.on('pageerror', error => complaints.push(String(error)))
  page.on('console', message => {
    if (message.type() === 'error' || /policy|trusted/i.test(message.text())) complaints.push(message.text())
  })
})
afterEach(async () => {
  await page.close()
  server.closeAllConnections()
  server.close()
  expect(complaints).toEqual([])
})

test('the header of the files leads to the page, and back', async () => {
  await page.goto(url(''))
  await page.getByRole('link', { name: 'Migrations' }).click()
  await page.getByRole('heading', { name: 'Migrations' }).waitFor()
  await page.getByRole('link', { name: 'Files' }).click()
  await page.getByText('This folder is empty.').waitFor()
  expect(page.url()).toBe(url('#/media').replace(/#.*/, ''))
})

test('a refresh changes texts in place: focus, scroll position and places of everything stay', async () => {
  await open(fleet({ slowedTo: undefined, etaSecs: undefined }))
  const table = page.getByRole('group', { name: '64 workers, 2 not seen lately' })
  await table.evaluate(element => element.scrollTo(0, 500))
  await page.locator('summary').focus()
  const places = (): Promise<unknown> =>
    page.evaluate(`JSON.stringify([...document.querySelectorAll('article, dt, summary, th, progress, .table')].map(each => {
      const { top, left } = each.getBoundingClientRect()
      return [top, left]
    }))`)
  const before = await places()
  answer = async () => [
    fleet({
      counts: { seen: 63_600_000, copied: 61_086_000, unchanged: 2_514_000, failed: 215, bytes: 2_800_000_000_000 },
    }),
  ]
  expect(await pass(2)).toBe(1)
  expect(await figure('Files').textContent()).toBe('Files63,600,000of 100,000,000')
  expect(await figure('Limit').textContent()).toBe('Limit1,900 files/sasked to slow down')
  expect(await figure('Time left').textContent()).toMatch(/^Time left3 d 4 huntil /)
  expect(await places()).toBe(before)
  expect(await page.evaluate('document.activeElement.localName')).toBe('summary')
  expect(await table.evaluate(element => element.scrollTop)).toBe(500)
})

test('screen readers hear changes of state only', async () => {
  const total = { files: 10, bytes: 10, isComplete: true }
  await open(migration({ total }))
  await page.evaluate(`(() => {
    window.heard = []
    for (const region of document.querySelectorAll('[role=status], [aria-live]')) {
      new MutationObserver(() => window.heard.push(region.textContent)).observe(region, { childList: true, subtree: true, characterData: true })
    }
  })()`)
  const heard = async () => (await page.evaluate<string[]>('window.heard.splice(0)')).filter(text => text !== '')
  answer = async () => [migration({ total, counts: { seen: 5, copied: 5, bytes: 5 } })]
  await pass(2)
  expect(await heard()).toEqual([])
  const steps: Array<[MigrationStatus, string]> = [
    [migration({ total, pass: 'verify', counts: { seen: 10, verified: 1 } }), 's3:photos to azure:photos: verifying.'],
    [
      migration({ total, pass: 'verify', state: 'failed', counts: { seen: 10, failed: 1 } }),
      's3:photos to azure:photos: failed.',
    ],
    [migration({ total, pass: 'verify', state: 'done', counts: { seen: 10 } }), 's3:photos to azure:photos: done.'],
  ]
  for (const [next, text] of steps) {
    answer = async () => [next]
    await pass(2)
    expect(await heard()).toEqual([text])
  }
  answer = async () => [
    steps[2]![0],
    migration({ id: 'two', source: '<img src=x onerror=alert(1)>', target: 'b:\u202e' }),
  ]
  await pass(2)
  expect(await heard()).toEqual(['<img src=x onerror=alert(1)> to b:\\u202e: copying.'])
  expect(await page.locator('main img').count()).toBe(0)
})

test('what is shown has roles and names: headings, bars, tables with headers', async () => {
  await open(fleet())
  const card = page.getByRole('article', { name: 's3:photos to azure:photos' })
  await card.getByRole('heading', { name: 's3:photos to azure:photos' }).waitFor()
  expect(await card.getByRole('progressbar', { name: 'Progress of s3:photos' }).getAttribute('value')).toBe(
    '0.63518204',
  )
  expect(await card.locator('.share').textContent()).toBe('63.5 %')
  const workers = card.getByRole('table', { name: '64 workers, 2 not seen lately' })
  expect(await workers.getByRole('columnheader').allTextContents()).toEqual([
    'Worker',
    'Last seen',
    'Files',
    'Bytes',
    'Rate',
  ])
  expect(await workers.getByRole('rowheader').count()).toBe(64)
  expect(await workers.locator('tr.bad').allTextContents()).toEqual([
    expect.stringMatching(/:4280not seen for 4 min1,029,48044.1 GB–$/),
    expect.stringMatching(/:4119not seen for 4 min1,001,02942.3 GB–$/),
  ])
  const failures = card.getByRole('table', { name: 'Failures by code' })
  expect(await failures.locator('tbody tr').allTextContents()).toEqual([
    'permission_denied120',
    'not_found71',
    'too_large23',
  ])
  expect(await figure('Pages waiting').textContent()).toBe('Pages waiting36,42062 running, 0 failed')
  expect(await page.locator('button, input, select, form').count()).toBe(0)
  // By the keyboard: the link, the details, and the tables, which scroll.
  const stops: string[] = []
  for (let at = 0; at < 5; at++) {
    await page.keyboard.press('Tab')
    stops.push(await page.evaluate('document.activeElement.ariaLabel ?? document.activeElement.textContent'))
  }
  expect(stops.slice(0, 4)).toEqual(['Files', 'Details', 'Failures by code', '64 workers, 2 not seen lately'])
})

test('a hidden tab asks nothing, and asks at once when it is seen again', async () => {
  await open(migration())
  for (let times = 0; times < 3; times++) expect(await pass(2)).toBe(1)
  const hide = (isHidden: boolean) =>
    page.evaluate(`Object.defineProperty(document, 'hidden', { value: ${isHidden}, configurable: true })
      document.dispatchEvent(new Event('visibilitychange'))`)
  await hide(true)
  expect(await pass(600)).toBe(0)
  const before = asked
  await hide(false)
  await settled()
  expect(asked - before).toBe(1)
  expect(await pass(2)).toBe(1)
})

test('one request at a time, and fewer of them while they fail', async () => {
  await open(migration())
  const late = Promise.withResolvers<void>()
  answer = async () => {
    await late.promise
    return [migration({ counts: { seen: 7 } })]
  }
  const before = asked
  await page.clock.runFor(30_000)
  await vi.waitFor(() => expect(running).toBe(1))
  expect([asked - before, mostRunning]).toEqual([1, 1])
  late.resolve()
  await settled()
  expect(await figure('Files').textContent()).toBe('Files7')
  answer = async () => {
    throw new StorageError('unavailable', 'secret place')
  }
  const counts: number[] = []
  for (const seconds of [2, 3.9, 0.1, 7.9, 0.1, 16, 32, 60, 60]) counts.push(await pass(seconds))
  expect(counts).toEqual([1, 0, 1, 0, 1, 1, 1, 1, 1])
  const problem = page.locator('#problems')
  expect(await problem.textContent()).toBe(
    'Some migrations cannot be read (unavailable). The server has reported the details.',
  )
  answer = async () => [migration({ counts: { seen: 8 } })]
  expect(await pass(60)).toBe(1)
  expect([await problem.textContent(), await figure('Files').textContent()]).toEqual(['', 'Files8'])
  expect(await pass(2)).toBe(1)
})

test('when the server is gone, what was shown stays, with its time; and goes on when it is back', async () => {
  await open(migration({ counts: { seen: 7 } }))
  const { port } = server.address() as AddressInfo
  server.closeAllConnections()
  server.close()
  await page.clock.runFor(2000)
  await page.getByText('The server cannot be reached. The page tries again.').waitFor()
  expect(await page.locator('#summary').textContent()).toMatch(/^Not updated since /)
  expect(await figure('Files').textContent()).toBe('Files7')
  complaints = complaints.filter(text => !text.includes('net::ERR_'))
  server = createServer(toNodeListener(handler)).listen(port, '127.0.0.1')
  await once(server, 'listening')
  await page.clock.runFor(4000)
  await vi.waitFor(async () => expect(await page.locator('#summary').textContent()).toMatch(/^1 running · /), 10_000)
  expect(await page.locator('#problems').textContent()).toBe('')
})

test('without migrations the page says so', async () => {
  await open()
  expect(await page.locator('main').innerText()).toBe('There are no migrations.')
})

const UNBROKEN = migration({
  id: 'long',
  source: `a:${'unbroken'.repeat(40)}`,
  target: '/srv/long name with blanks'.repeat(9),
  counts: { seen: 99_999_999, failed: 3, bytes: 9e15 },
  failures: { ['code_'.repeat(30)]: 3 },
})

test.each([
  [360, 'light'],
  [360, 'dark'],
  [1200, 'light'],
] as const)('at a width of %i, %s, nothing is cut, and what is touched is large enough', async (width, colorScheme) => {
  await page.setViewportSize({ width, height: 740 })
  await page.emulateMedia({ colorScheme })
  await open(UNBROKEN, fleet(), migration({ state: 'done', id: 'done' }))
  expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0)
  // Only tables scroll; no other text is wider than its place.
  const cut = await page.evaluate(`[...document.querySelectorAll('article :not(.table, .table *, .unseen)')]
    .filter(each => each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).display !== 'inline')
    .map(each => each.outerHTML.slice(0, 120))`)
  expect(cut).toEqual([])
  if (width > 600) return
  const small = await page.evaluate(`[...document.querySelectorAll('a, summary')]
    .filter(each => each.getBoundingClientRect().height < 44 || each.getBoundingClientRect().width < 44)
    .map(each => each.outerHTML)`)
  expect(small).toEqual([])
})

test('the page looks as the documentation shows it', async () => {
  const done = migration({
    id: 'done',
    source: 'old:',
    target: 'backup:2026',
    state: 'done',
    pass: 'verify',
    finishedAt: new Date(),
    counts: { seen: 1204, copied: 1204, verified: 1204, bytes: 8_400_000_000 },
  })
  await open(fleet(), done)
  await page.mouse.move(600, 5)
  const bytes = await page.screenshot()
  if (process.env['UPDATE_SCREENSHOT'] === '1') {
    await writeFile(SCREENSHOT, await sharp(bytes).png({ palette: true, effort: 10 }).toBuffer())
  }
  expect((await sharp(bytes).metadata()).width).toBe(1200)
  expect((await stat(SCREENSHOT)).size).toBeLessThanOrEqual(MAX_SCREENSHOT)
})
