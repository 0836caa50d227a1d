/** The counters of `holdall migrate`, as the program of docs/recipes/tracing.md prints them. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'
import { root } from '../../scripts/code.ts'
import { startStrictS3 } from '../servers/strict-s3.ts'
import { startCli } from './run-cli.ts'

it('have the sums of the summary, with --import ./otel.js', async () => {
  const s3 = await startStrictS3()
  const here = await mkdtemp(join(tmpdir(), 'holdall-metrics-'))
  try {
    await mkdir(join(here, 'from'))
    for (const name of ['a', 'b', 'c', 'bad']) await writeFile(join(here, 'from', name), `content of ${name}`)
    const { accessKeyId, secretAccessKey } = s3.credentials
    const keys = { accessKey: accessKeyId, secretKey: secretAccessKey }
    const OPTIONS = { bucketName: 'media', endpointUrl: s3.url, regionName: s3.region, ...keys }
    const STORAGES = { new: { BACKEND: 's3', OPTIONS } }
    await writeFile(join(here, 'holdall.config.json'), JSON.stringify({ STORAGES }))
    const page = await readFile(join(root, 'docs/recipes/tracing.md'), 'utf8')
    const program = /```ts\n([^`]*ConsoleMetricExporter[^`]*)```/.exec(page)![1]!
    // The packages are those beside Holdall, and not beside this folder.
    const found = program.replaceAll(/from '(@[^']+)'/g, (_, name) => `from '${import.meta.resolve(name)}'`)
    await writeFile(join(here, 'otel.mjs'), found)
    s3.faults.add({
      operation: 'PutObject',
      match: ({ key }: { readonly key?: string }) => key === 'bad',
      times: 100,
      fault: { do: 'refuse', status: 403, code: 'AccessDenied' },
    })
    const env = {
      NODE_OPTIONS: `--import ${pathToFileURL(join(here, 'otel.mjs'))}`,
      XDG_STATE_HOME: join(here, 'state'),
    }
    const run = async () => {
      const ended = await startCli(here, ['migrate', './from', 'new:'], { env, input: '' }).ended
      return { code: ended.code, stderr: ended.stderr, sums: sumsIn(ended.stdout) }
    }
    const first = await run()
    expect(first.code).toBe(1)
    const copied = 3 * 'content of a'.length
    expect(first.stderr).toContain(`3 copied (${copied} B), 0 unchanged, 1 failed; verified 4: 0 different`)
    expect(first.sums).toEqual({
      'files copied': 3,
      'files failed permission_denied': 1,
      'files verified': 4,
      bytes: copied,
      'attempts permission_denied': 2,
    })
    s3.faults.clear()
    const second = await run()
    expect(second.code).toBe(0)
    expect(second.sums).toMatchObject({ 'files copied': 1, 'files unchanged': 3, 'files verified': 4 })
    expect(second.sums).not.toHaveProperty('files failed permission_denied')
  } finally {
    await s3.close()
    await rm(here, { recursive: true })
  }
})

/** Adds up what the console exporter printed: a description for each counter, and its values by attributes. */
function sumsIn(stdout: string): Record<string, number> {
  const sums: Record<string, number> = {}
  let name = ''
  let labels: string[] = []
  for (const line of stdout.split('\n')) {
    name = /^ {4}name: 'holdall\.migrate\.(\w+)'/.exec(line)?.[1] ?? name
    if (line.trim().startsWith('attributes: {')) labels = []
    const label = /\b(?:result|code): '(\w+)'/g
    for (const [, text] of line.matchAll(label)) labels.push(text!)
    const value = /^ +value: (\d+)/.exec(line)?.[1]
    if (value !== undefined) sums[[name, ...labels].join(' ')] = Number(value)
  }
  return sums
}
