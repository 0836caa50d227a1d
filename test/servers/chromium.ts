/** Chromium from Debian's packages, with a profile, a home and a folder of temporary files of its own that are gone when it is closed. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium } from 'playwright-core'
import { retried } from '../support/retried.ts'
import { needPrograms } from './debian.ts'

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** A running browser. */
export interface Browser {
  readonly context: BrowserContext
  close(): Promise<void>
}

/** Installs Chromium where it is missing, and starts it, in three tries; throws when it cannot, with what it printed. */
export async function startChromium(): Promise<Browser> {
  await needPrograms(['chromium'], ['chromium'])
  return retried('starting Chromium', 3, launch)
}

async function launch(): Promise<Browser> {
  const folder = await mkdtemp(join(tmpdir(), 'holdall-chromium-'))
  const remove = () => rm(folder, { recursive: true, force: true, maxRetries: 5 })
  try {
    await mkdir(join(folder, 'temporary'))
    const context = await chromium.launchPersistentContext(join(folder, 'profile'), {
      executablePath: '/usr/bin/chromium',
      timeout: 60_000,
      args: ARGUMENTS,
      downloadsPath: join(folder, 'downloads'),
      env: {
        ...process.env,
        HOME: folder,
        XDG_CONFIG_HOME: folder,
        XDG_CACHE_HOME: folder,
        TMPDIR: join(folder, 'temporary'),
      },
    })
    const close = async () => {
      await context.close()
      await remove()
    }
    return { context, close }
  } catch (error) {
    await remove()
    throw error
  }
}
