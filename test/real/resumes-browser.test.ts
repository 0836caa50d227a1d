/** The application of `examples/resumes` in Chromium: with the mouse, by the keyboard alone, and without its script. */
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import sharp from 'sharp'
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Draft } from '../../examples/resumes/draft.ts'
import { PDF, type Site, startSite } from '../examples/resumes/site.ts'
import { startChromium } from '../servers/chromium.ts'
import { portrait, slowLine } from './browser/resumes.ts'

// A browser that starts while other servers do may be slow.
vi.setConfig({ testTimeout: 180_000 })

/** Written anew by `UPDATE_SCREENSHOT=1`. */
const SCREENSHOT = new URL('../../docs/images/resumes.png', import.meta.url)
const MAX_SCREENSHOT = 60 * 1024

const folder = await mkdtemp(join(tmpdir(), 'holdall-resumes-'))
const { context, close } = await startChromium().catch(async error => {
  await rm(folder, { recursive: true })
  throw error
})
afterAll(async () => {
  await close()
  await rm(folder, { recursive: true, force: true })
}, 60_000)

let site: Site
let page: Page
/** What the page itself got wrong: exceptions, and what its policy forbids. */
let complaints: string[]

beforeEach(async () => {
  site = await startSite()
  page = await context.newPage()
  complaints = []
  page.on('pageerror', error => complaints.push(String(error)))
  // While someone listens, the browser opens no window to choose files in.
  page.on('filechooser', () => {})
  page.on('console', message => {
    if (message.type() === 'error' && !message.text().includes('status of 4')) complaints.push(message.text())
  })
})
afterEach(async () => {
  vi.restoreAllMocks()
  await page.close()
  await site[Symbol.asyncDispose]()
  expect(complaints).toEqual([])
})

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, content)
  return path
}

/** Size of the picture in its file, and of its place on the page. */
const pictureSize = (): Promise<number[]> =>
  page.evaluate(`(async () => {
    const img = document.querySelector('.photo img')
    await img.decode()
    return [img.naturalWidth, img.naturalHeight, Math.round(img.width), Math.round(img.height)]
  })()`)

const focused = (): Promise<string> =>
  page.evaluate(`(() => {
    const { activeElement: it } = document
    return (it.id ? '#' + it.id : it.tagName.toLowerCase()) + ' ' + it.textContent.trim()
  })()`)

/** Asks the page again and again: its policy forbids what `waitForFunction` does. */
const until = (condition: string): Promise<unknown> =>
  vi.waitFor(async () => expect(await page.evaluate(condition), condition).toBe(true), {
    timeout: 30_000,
    interval: 20,
  })

const status = (text: string): Promise<unknown> => page.getByRole('status').filter({ hasText: text }).waitFor()

test('upload with progress, see the picture, open, replace, delete', async () => {
  const pdf = await file('cv.pdf', Buffer.concat([Buffer.from(PDF), Buffer.alloc(20_000_000)]))
  await page.goto(site.origin)
  await page.getByLabel('Name').fill('Ada Lovelace')
  await page.getByLabel('PDF').setInputFiles(pdf)
  await page.getByLabel('Photo').setInputFiles(await file('ada.jpg', await portrait(300, 400, '#9cc', '#246')))
  // What is sent, shown and said while a slow line takes it.
  const line = await slowLine(page, 15_000_000)
  await page.evaluate(`(() => {
    window.seen = { bar: [], said: [] }
    const status = document.querySelector('#status')
    const bar = document.querySelector('.new progress')
    new MutationObserver(() => {
      if (status.textContent) seen.said.push(status.textContent)
    }).observe(status, { childList: true })
    new MutationObserver(() => {
      if (!bar.closest('[hidden]')) seen.bar.push(bar.value)
    }).observe(bar, { attributes: true })
  })()`)
  await page.getByRole('button', { name: 'Add resume' }).click()
  await page.getByRole('progressbar', { name: 'Upload' }).waitFor()
  await status('The resume was added.')
  const seen = await page.evaluate<{ bar: number[]; said: string[] }>('seen')
  expect(seen.bar.filter(percent => percent > 0 && percent < 100).length).toBeGreaterThan(2)
  expect(seen.bar).toEqual([...seen.bar].sort((a, b) => a - b))
  expect(seen.said).toEqual(expect.arrayContaining([expect.stringMatching(/^Uploading, \d+ %$/)]))
  expect(seen.said.length).toBeLessThan(7)
  await line[Symbol.asyncDispose]()
  expect(await page.getByRole('progressbar').isHidden()).toBe(true)
  expect(await page.getByLabel('Name').first().inputValue()).toBe('')

  expect(await pictureSize()).toEqual([300, 400, 96, 128])
  const popup = context.waitForEvent('page')
  await page.getByRole('link', { name: 'cv.pdf' }).click()
  const opened = await popup
  await opened.waitForURL('**/media/pdfs/cv.pdf')
  expect(await opened.evaluate('[document.contentType, window.opener]')).toEqual(['application/pdf', null])
  await opened.close()

  await page.getByText('Change').click()
  await page.getByLabel('New photo').setInputFiles(
    await file(
      'wide.png',
      await sharp(await portrait(640, 320, '#fc9', '#722'))
        .png()
        .toBuffer(),
    ),
  )
  await page.getByRole('button', { name: 'Save' }).click()
  await status('The resume was changed.')
  expect(await pictureSize()).toEqual([640, 320, 96, 48])
  expect(site.files()).toEqual(['pdfs/cv.pdf', 'photos/wide.png'])

  await page.getByText('Delete Ada').first().click()
  await page.getByRole('button', { name: 'Delete Ada Lovelace' }).click()
  await status('The resume was deleted.')
  await page.getByText('None yet.').waitFor()
  expect(site.files()).toEqual([])
})

test('a picture has its place before it has come', async () => {
  await site.add('Ada', undefined, ['tall.jpg', await portrait(300, 400, '#9cc', '#246')])
  const { promise: wait, resolve: go } = Promise.withResolvers<void>()
  await page.route('**/media/**', async route => {
    await wait
    await route.continue()
  })
  await page.goto(site.origin, { waitUntil: 'domcontentloaded' })
  const place = `JSON.stringify(document.querySelector('.photo img').getBoundingClientRect())`
  await until(`document.querySelector('.photo img').offsetWidth === 96`)
  const before = await page.evaluate(place)
  go()
  await pictureSize()
  expect(await page.evaluate(place)).toBe(before)
})

test('by the keyboard alone', async () => {
  const choose = async (path: string): Promise<void> => {
    const chooser = page.waitForEvent('filechooser')
    await page.keyboard.press('Enter')
    await (await chooser).setFiles(path)
  }
  const tabTo = async (expected: RegExp): Promise<void> => {
    for (let tabs = 0; tabs < 15; tabs++) {
      await page.keyboard.press('Tab')
      if (expected.test(await focused())) return
    }
    throw new Error(`No focus on ${expected}, but on ${await focused()}.`)
  }
  await page.goto(site.origin)
  await tabTo(/^#new-person/)
  await page.keyboard.type('Grace Hopper')
  await tabTo(/^#new-pdf/)
  await choose(await file('grace.pdf', PDF))
  await tabTo(/^#new-photos/)
  await choose(await file('grace.jpg', await portrait(90, 120, '#cbd', '#143')))
  await tabTo(/^button Add resume/)
  await page.keyboard.press('Enter')
  await status('The resume was added.')
  expect(await focused()).toBe('button Add resume')
  expect(await pictureSize()).toEqual([90, 120, 96, 128])

  await tabTo(/^a grace\.pdf/)
  await tabTo(/^summary Change/)
  await page.keyboard.press('Enter')
  await tabTo(/^#resume-1-pdf/)
  await choose(await file('hopper.pdf', `${PDF} two`))
  await tabTo(/^button Save/)
  await page.keyboard.press('Space')
  await status('The resume was changed.')
  expect(await focused()).toMatch(/^summary Change/)
  expect(site.files()).toEqual(['pdfs/hopper.pdf', 'photos/grace.jpg'])

  await tabTo(/^summary Delete/)
  await page.keyboard.press('Enter')
  await tabTo(/^button Delete/)
  await page.keyboard.press('Enter')
  await status('The resume was deleted.')
  expect(await focused()).toBe('#list-title 0 resumes')
  expect(site.files()).toEqual([])
})

test('errors stand beside the form, and nothing is lost by them', async () => {
  await page.goto(site.origin)
  const alert = page.locator('.new .form-error')
  const add = page.getByRole('button', { name: 'Add resume' })
  await page.getByLabel('Name').fill('Ada')
  await page.getByLabel('PDF').setInputFiles(await file('cv.pdf', '<html>'))
  await add.click()
  await alert.filter({ hasText: 'The resume must be a PDF file.' }).waitFor()
  expect([await page.getByLabel('Name').inputValue(), await focused()]).toEqual(['Ada', 'button Add resume'])
  const large = join(folder, 'large.png')
  const handle = await open(large, 'w')
  await handle.truncate(20_000_001)
  await handle.close()
  const { length } = site.answers
  await page.getByLabel('PDF').setInputFiles(await file('cv.pdf', PDF))
  await page.getByLabel('Photo').setInputFiles(large)
  await add.click()
  await alert.filter({ hasText: 'large.png is larger than 20 MB.' }).waitFor()
  expect([site.answers.length, await focused()]).toEqual([length, '#new-photos '])
  expect([site.resumes.list(), site.files()]).toEqual([[], []])
})

test('an upload of 100 MB that is cancelled leaves nothing, and goes through when it is sent again', async () => {
  const large = join(folder, 'large.pdf')
  await writeFile(large, PDF)
  const handle = await open(large, 'r+')
  await handle.truncate(100_000_000)
  await handle.close()
  await page.goto(site.origin)
  await page.getByLabel('Name').fill('Ada')
  await page.getByLabel('PDF').setInputFiles(large)
  const line = await slowLine(page, 10_000_000)
  const add = page.getByRole('button', { name: 'Add resume' })
  const begun = vi.spyOn(Draft.prototype, 'file')
  await add.click()
  await until(`document.querySelector('.new progress').value > 5`)
  expect(begun).toHaveBeenCalledOnce()
  const answered = site.answered()
  await page.getByRole('button', { name: 'Cancel' }).click()
  await page.locator('.new .form-error').filter({ hasText: 'cancelled' }).waitFor()
  await answered
  expect([site.resumes.list(), site.files(), await focused()]).toEqual([[], [], 'button Add resume'])
  await line[Symbol.asyncDispose]()
  await add.click()
  await status('The resume was added.')
  expect(await site.resumes.list()[0]!.pdf.size()).toBe(100_000_000)
})

test('without its script the page does the same', async () => {
  await page.route('**/app.js', route => route.fulfill({ contentType: 'text/javascript', body: '' }))
  await page.goto(site.origin)
  await page.getByLabel('Name').fill('Ada')
  await page.getByLabel('PDF').setInputFiles(await file('cv.pdf', '<html>'))
  await page.getByRole('button', { name: 'Add resume' }).click()
  await page.getByRole('alert').filter({ hasText: 'The resume must be a PDF file.' }).waitFor()
  await page.getByLabel('Name').fill('Ada')
  await page.getByLabel('PDF').setInputFiles(await file('cv.pdf', PDF))
  await page.getByRole('button', { name: 'Add resume' }).click()
  await status('The resume was added.')
  expect(page.url()).toBe(`${site.origin}/?done=added#resume-1`)
  await page.getByText('Delete Ada').first().click()
  await page.getByRole('button', { name: 'Delete Ada' }).click()
  await status('The resume was deleted.')
  expect([site.resumes.list(), site.files()]).toEqual([[], []])
})

test('the page in light and dark, and on a small screen; the picture of it in the docs', async () => {
  const people = [
    ['Ada Lovelace', 'lovelace.pdf', '#a9c7d8', '#27496d'],
    ['Grace Hopper', 'hopper.pdf', '#d8c3a9', '#4a3b63'],
    ['Alan Turing', 'turing.pdf', '#b9d3b0', '#5b4636'],
  ] as const
  await site.add('Katherine Johnson', ['johnson.pdf', PDF])
  for (const [person, pdf, wall, coat] of people) {
    await site.add(person, [pdf, PDF], ['photo.jpg', await portrait(300, 375, wall, coat)])
  }
  await page.setViewportSize({ width: 1000, height: 700 })
  for (const colorScheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme })
    await page.goto(site.origin)
    await page.locator('summary', { hasText: 'Delete Grace' }).click()
    await pictureSize()
    const shot = sharp(await page.screenshot()).png({ palette: true, colours: 64, effort: 10 })
    const bytes = await shot.toBuffer()
    expect(bytes.length).toBeLessThan(MAX_SCREENSHOT)
    if (colorScheme === 'light' && process.env['UPDATE_SCREENSHOT'] === '1') await writeFile(SCREENSHOT, bytes)
  }
  expect((await readFile(SCREENSHOT)).length).toBeLessThan(MAX_SCREENSHOT)
  await page.setViewportSize({ width: 320, height: 640 })
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(320)
})
