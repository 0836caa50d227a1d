/**
 * The package from its tarball, bundled by each bundler and run in a folder where nothing is installed. The bundlers are installed in a
 * folder of their own, by their lock file.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type StrictS3, startStrictS3 } from '../servers/strict-s3.ts'
import { installedCopy, installPackage, linkPackage, output } from '../support/installed.ts'
import { BUNDLERS, NEXT, NO_PROVIDERS, WORKS } from './rows.ts'

let bundlers: string
let server: StrictS3
let elsewhere: string

beforeAll(async () => {
  bundlers = installedCopy('bundlers')
  installPackage(bundlers)
  server = await startStrictS3()
}, 900_000)

afterAll(async () => {
  await server?.close()
  for (const folder of [bundlers, elsewhere]) if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
})

beforeEach(() => {
  if (elsewhere !== undefined) rmSync(elsewhere, { recursive: true, force: true })
  elsewhere = mkdtempSync(join(tmpdir(), 'holdall-elsewhere-'))
})

/** What the program is told; nothing of the machine's own AWS settings. */
function environment(): Record<string, string> {
  const { accessKeyId, secretAccessKey } = server.credentials
  return {
    PATH: process.env['PATH']!,
    HOME: elsewhere,
    FOLDER: join(elsewhere, 'media'),
    S3_ENDPOINT: server.url,
    S3_KEY: accessKeyId,
    S3_SECRET: secretAccessKey,
    AWS_EC2_METADATA_DISABLED: 'true',
    NEXT_TELEMETRY_DISABLED: '1',
    NO_COLOR: '1',
  }
}

/** A profile that only the optional package can read: a program prints its keys. */
function writeProfile(folder: string): void {
  const { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey } = server.credentials
  mkdirSync(folder)
  writeFileSync(join(folder, 'keys.json'), JSON.stringify({ Version: 1, AccessKeyId, SecretAccessKey }))
  writeFileSync(join(folder, 'config'), `[default]\ncredential_process = cat ${join(folder, 'keys.json')}\n`)
}

test.each(BUNDLERS)('$row: builds without a warning, and the bundle runs by itself', async ({ name, file }) => {
  await output(process.execPath, ['build.mjs', name], { cwd: bundlers })
  cpSync(join(bundlers, 'out', name), elsewhere, { recursive: true })
  const run = async (): Promise<unknown> =>
    JSON.parse(await output(process.execPath, [file], { cwd: elsewhere, only: environment() }))
  expect(await run()).toEqual({ ...WORKS, credentials: NO_PROVIDERS })
  rmSync(join(elsewhere, 'media'), { recursive: true })
  linkPackage(elsewhere, '@aws-sdk/credential-providers')
  writeProfile(join(elsewhere, '.aws'))
  expect(await run()).toEqual({ ...WORKS, credentials: 4 })
})

test(`${NEXT}: builds, and a route of its server runs`, { timeout: 300_000 }, async () => {
  const cwd = join(bundlers, 'next')
  const next = join(bundlers, 'node_modules/next/dist/bin/next')
  const env = environment()
  const printed = await output(process.execPath, [next, 'build'], { cwd, only: env, timeoutMs: 240_000 })
  expect(printed).toContain('Turbopack')
  expect(printed.toLowerCase()).not.toContain('warn')
  const child = spawn(process.execPath, [next, 'start', '--port', '0', '--hostname', '127.0.0.1'], { cwd, env })
  try {
    const answer = await fetch(`${await addressOf(child)}/report`)
    expect(await answer.json()).toEqual({ ...WORKS, credentials: NO_PROVIDERS })
  } finally {
    child.kill()
    await new Promise(resolve => child.once('close', resolve))
  }
})

/** The address that a server prints. One that ends before fails with what it said. */
function addressOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const read = (piece: string): void => {
      text += piece
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(text)
      if (found !== null) resolve(found[0])
    }
    for (const stream of [child.stdout!, child.stderr!]) stream.setEncoding('utf8').on('data', read)
    child.on('error', reject).on('close', code => reject(new Error(`ended with status ${code}: ${text}`)))
  })
}
