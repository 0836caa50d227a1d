/** Stored content in Chromium: what strangers have stored runs no script in the origin that serves it, and what can only be looked at is shown. */
import { readFile } from 'node:fs/promises'
import type { Frame, Page } from 'playwright-core'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { startChromium } from '../servers/chromium.ts'
import { hostile } from './browser/hostile.ts'
import { pdf, png, wav, webm } from './browser/inert.ts'
import { startSite } from './browser/site.ts'

// A browser that starts while other servers do may be slow.
vi.setConfig({ testTimeout: 180_000 })

const site = await startSite()
const { context, close } = await startChromium().catch(async error => {
  await site.close()
  throw error
})
afterAll(async () => {
  await close()
  await site.close()
}, 60_000)

/** Sets a cookie of the page's origin and a value of its storage, at once, and then calls home: by a request and by a picture. */
function script(id: string): string {
  const steps = [
    `document.cookie='${id}=1;path=/'`,
    `localStorage.setItem('${id}','1')`,
    `fetch('${site.origin}/ran?${id}')`,
    `new Image().src='${site.origin}/ran?${id}'`,
  ]
  return `${steps.map(step => `try{${step}}catch(e){}`).join('')};try{postMessage('ran')}catch(e){}`
}

async function inPage<T>(work: (page: Page) => Promise<T>): Promise<T> {
  const page = await context.newPage()
  try {
    return await work(page)
  } finally {
    await page.close()
  }
}

/** Goes to a URL; a download is no page. Gives whether there is one. */
async function visit(page: Page, path: string): Promise<boolean> {
  try {
    await page.goto(site.origin + path)
    return true
  } catch (error) {
    if (error instanceof Error && /Download is starting|ERR_ABORTED|ERR_BLOCKED/.test(error.message)) return false
    throw error
  }
}

/** What a script with this id has left in the site's origin. */
async function traces(page: Page, id: string): Promise<string[]> {
  await page.goto(`${site.origin}/`)
  const kept = await page.evaluate(`localStorage.getItem('${id}')`)
  const cookies = await context.cookies(site.origin)
  return [
    ...(kept === null ? [] : ['storage']),
    ...(cookies.some(({ name }) => name === id) ? ['cookie'] : []),
    ...(site.calls.has(id) ? ['call'] : []),
  ]
}

/** How a worker and a service worker of a script end: 'ran', or the name of the event or error. */
function workers(page: Page, path: string): Promise<unknown> {
  return page.evaluate(`(async () => {
    const worker = new Promise(resolve => {
      const started = new Worker('${path}')
      started.onmessage = () => resolve('ran')
      started.onerror = () => resolve('error')
    })
    const service = navigator.serviceWorker.register('${path}').then(
      registration => registration.unregister().then(() => 'ran'),
      error => error.name,
    )
    return Promise.all([worker, service])
  })()`)
}

/** The width of a film, of the page itself or of a URL, once it can be played; 0 for sound. */
function mediaWidth(page: Page, url?: string): Promise<unknown> {
  return page.evaluate(`(async () => {
    const media = document.querySelector('video') ?? document.createElement('video')
    ${url === undefined ? '' : `media.src = '${url}'`}
    if (media.readyState < media.HAVE_CURRENT_DATA) {
      await new Promise((resolve, reject) => {
        media.onloadeddata = resolve
        media.onerror = () => reject(new Error(media.error.message))
      })
    }
    return media.videoWidth
  })()`)
}

describe('what strangers have stored runs no script in the origin of the site', () => {
  test.each(hostile.map((each, at) => ({ ...each, id: `hostile-${at}` })))('$title', async file => {
    const { id, contentType, body, runs } = file
    await site.store(id, contentType, body(script(id)))
    await inPage(async page => {
      await visit(page, `/media/${id}`)
      expect(await traces(page, id), 'as a page').toEqual([])
      await visit(page, `/embed?/media/${id}`)
      expect(await workers(page, `/media/${id}`)).toEqual(['error', 'SecurityError'])
      expect(await traces(page, id), 'in a page').toEqual([])
      if (runs === 'nowhere') return
      // The same bytes without the protection: what is looked for can be found.
      await visit(page, `/embed?/${runs}/${id}`)
      expect(await traces(page, id), runs).toEqual(['storage', 'cookie', 'call'])
    })
  })

  test('though workers of a site that trusts its files do run', async () => {
    await site.store('worker.js', 'text/javascript', script('worker'))
    await inPage(async page => {
      await visit(page, '/trusted/')
      expect(await workers(page, '/trusted/worker.js')).toEqual(['ran', 'ran'])
    })
  })
})

describe('what can only be looked at is shown', () => {
  test('pictures, films and sounds, in a page and by themselves', async () => {
    await site.store('a.png', 'image/png', png)
    await site.store('a.webm', 'video/webm; codecs=vp8', webm)
    await site.store('a.wav', 'audio/wav', wav())
    await inPage(async page => {
      await visit(page, '/media/a.png')
      expect(await page.evaluate('document.images[0].naturalWidth')).toBe(1)
      for (const [name, width] of [
        ['a.webm', 32],
        ['a.wav', 0],
      ] as const) {
        await visit(page, `/media/${name}`)
        expect([name, await mediaWidth(page)]).toEqual([name, width])
        await visit(page, '/')
        expect([name, await mediaWidth(page, `/media/${name}`)]).toEqual([name, width])
      }
    })
  })

  test('text as text, whatever markup it holds, in its own letters', async () => {
    const text = 'grün <b>not bold</b>'
    await inPage(async page => {
      for (const type of [
        'text/plain',
        'text/plain; charset="utf-8"',
        'application/json',
        'text/javascript',
        'text/css',
      ]) {
        await site.store('text', type, text)
        await visit(page, '/media/text')
        expect([type, await page.evaluate(`document.querySelector('pre').textContent`)]).toEqual([type, text])
      }
    })
  })

  test('PDF in the viewer, HTML and XML without their scripts', async () => {
    await site.store('a.pdf', 'application/pdf', pdf())
    await site.store(
      'a.html',
      'text/html',
      '<title>t</title><h1>grün</h1><style>h1{color:rgb(1,2,3)}</style><script>document.title="ran"</script>',
    )
    await inPage(async page => {
      const isViewer = (frame: Frame) => frame.url().startsWith('chrome-extension://')
      const viewer = page.waitForEvent('framenavigated', isViewer)
      await visit(page, '/media/a.pdf')
      expect((await viewer).parentFrame()).toBe(page.mainFrame())
      expect(await page.evaluate('document.contentType')).toBe('application/pdf')
      await visit(page, '/media/a.html')
      const shown = `[document.title, document.body.innerText, getComputedStyle(document.querySelector('h1')).color]`
      expect(await page.evaluate(shown)).toEqual(['t', 'grün', 'rgb(1, 2, 3)'])
    })
  })

  test('pages may use what is put in a sandbox: drawings and style sheets', async () => {
    await site.store('a.svg', 'image/svg+xml', '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')
    await site.store('a.css', 'text/css', 'body{color:rgb(1,2,3)}')
    await inPage(async page => {
      await visit(page, '/embed?/media/a.svg')
      expect(await page.evaluate('document.images[0].naturalWidth')).toBe(9)
      await visit(page, '/embed?/media/a.css')
      expect(await page.evaluate('getComputedStyle(document.body).color')).toBe('rgb(1, 2, 3)')
    })
  })

  test('other files are downloaded whole', async () => {
    for (const type of [undefined, 'application/zip', 'text/plain,text/html']) {
      await site.store('a.bin', type, 'bytes')
      await inPage(async page => {
        const started = page.waitForEvent('download')
        expect(await visit(page, '/media/a.bin')).toBe(false)
        const download = await started
        expect([type, download.suggestedFilename(), await readFile(await download.path(), 'utf8')]).toEqual([
          type,
          'a.bin',
          'bytes',
        ])
        await download.delete()
      })
    }
  })
})
