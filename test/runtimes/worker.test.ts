import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Miniflare } from 'miniflare'
import { rolldown } from 'rolldown'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SAVED } from '../bundlers/rows.ts'
import { inFolder } from '../servers/r2.ts'
import { startStrictS3 } from '../servers/strict-s3.ts'
import { installPackage } from '../support/installed.ts'
import { COMPATIBILITY_DATE, WORKERS } from './rows.ts'

let project: string
let script: string

/** The Worker, in one module with all that it imports but the modules of the runtime. */
beforeAll(async () => {
  project = mkdtempSync(join(tmpdir(), 'holdall-worker-'))
  installPackage(project)
  const bundle = await rolldown({
    input: join(import.meta.dirname, 'worker.mjs'),
    platform: 'neutral',
    resolve: { mainFields: ['module', 'main'], modules: [join(project, 'node_modules')] },
    external: /^cloudflare:/,
  })
  const { output } = await bundle.generate({ format: 'esm', codeSplitting: false })
  script = output[0].code
})

afterAll(() => {
  rmSync(project, { recursive: true, force: true, maxRetries: 5 })
})

/** A Worker with this script. */
function worker(compatibilityDate: string, bindings: Record<string, string>): Miniflare {
  return inFolder(project, {
    modules: [{ type: 'ESModule', path: 'worker.mjs', contents: script }],
    compatibilityDate,
    compatibilityFlags: ['nodejs_compat'],
    host: '127.0.0.1',
    port: 0,
    cf: false,
    bindings,
    handleRuntimeStdio: () => undefined,
  })
}

test(`${WORKERS}: memory and S3 over fetch work in one request after another and in several at once`, async () => {
  const server = await startStrictS3()
  const { accessKeyId, secretAccessKey } = server.credentials
  const bindings = { S3_ENDPOINT: server.url, S3_KEY: accessKeyId, S3_SECRET: secretAccessKey }
  const runtime = worker(COMPATIBILITY_DATE, bindings)
  const ask = async (): Promise<unknown> => {
    const answer = await runtime.dispatchFetch('http://worker/')
    const text = await answer.text()
    return answer.ok ? JSON.parse(text) : text
  }
  const works = { memory: SAVED, s3: SAVED }
  try {
    expect(await ask()).toEqual(works)
    expect(await ask()).toEqual(works)
    expect(await Promise.all([ask(), ask(), ask()])).toEqual([works, works, works])
    expect(server.requests.map(({ status }) => status)).not.toContain(403)
  } finally {
    await runtime.dispose()
    await server.close()
  }
})

test(`${WORKERS}: an older compatibility date is told which one is needed`, async () => {
  const runtime = worker('2025-01-01', {})
  const failure = runtime.dispatchFetch('http://worker/').catch(String)
  expect(await failure).toContain(
    `a Worker with nodejs_compat and a compatibility_date of ${COMPATIBILITY_DATE} or later`,
  )
  await runtime.dispose().catch(() => undefined)
})
