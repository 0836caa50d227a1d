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

async function open(...shown: MigrationStatus[]): Promise<void> {
  answer = async () => shown
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/files/migrations`)
  await page
    .locator('article')
    .nth(shown.length - 1)
    .waitFor()
}

beforeEach(async () => {
  ;[asked, running, mostRunning] = [0, 0, 0]
  complaints = []
  const handler = createStorageBrowser({ media: storage }, { basePath: '/files', migrations: source })
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

test('the page looks as the documentation shows it', async () => {
  const done = migration({
    id: 'done',
    state: 'done',
    pass: 'verify',
    finishedAt: new Date(),
    counts: { seen: 1204, copied: 1204, verified: 1204, bytes: 8_400_000_000 },
  })
  await open(
    fleet(),
    migration({
      id: 'b',
      source: `a:${'unbroken'.repeat(40)}/`,
      target: '/srv/long name with blanks/'.repeat(9),
      counts: { seen: 12, bytes: 3 },
    }),
    migration({ id: 'zero', total: { files: 0, bytes: 0, isComplete: true }, etaSecs: 0 }),
    migration({
      id: 'int',
      state: 'interrupted',
      total: { files: 4000, bytes: 1e10, isComplete: false },
      counts: { seen: 2000 },
    }),
    migration({
      id: 'f',
      state: 'failed',
      pass: 'verify',
      finishedAt: new Date(),
      failures: { not_found: 3 },
      counts: { seen: 900, copied: 897, failed: 3, verified: 900, different: 3 },
      total: { files: 900, bytes: 1e9, isComplete: true },
    }),
    done,
  )
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme })
    await page.screenshot({ path: `/tmp/hw-shot-${scheme}.png`, fullPage: true })
    await page.setViewportSize({ width: 360, height: 740 })
    await page.screenshot({ path: `/tmp/hw-shot-${scheme}-narrow.png`, clip: {x:0,y:900,width:360,height:1500}, fullPage: true })
    await page.setViewportSize({ width: 1200, height: 800 })
  }
})
