import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startStrictS3 } from '../../test/servers/strict-s3.ts'
import { machine } from '../harness.ts'
import { writeTree } from './tree.ts'
import { timed } from './turns.ts'

const PACKAGE = join(import.meta.dirname, '../..')

/** Peak memory of `collectstatic`, first and second run, with plain and hashed names; onto local disk and to S3. */
export async function memory(files: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'holdall-bench-'))
  const server = await startStrictS3()
  try {
    console.log(`${machine()}; ${files} files of 3 KB, nine in ten with two references\n`)
    console.log('| Target | run | peak MiB | s |')
    console.log('| --- | --- | ---: | ---: |')
    const few = join(folder, 'few')
    const many = join(folder, 'many')
    await writeTree(few, 100, true)
    await writeTree(many, files, true)
    const { accessKeyId, secretAccessKey } = server.credentials
    const reached = {
      AWS_S3_ENDPOINT_URL: server.url,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_STORAGE_BUCKET_NAME: 'media',
    }
    const django = 'django.contrib.staticfiles.storage'
    const s3 = 'storages.backends.s3boto3'
    for (const [title, STATICFILES_STORAGE, source, more] of [
      ['local disk, 100 files', `${django}.ManifestStaticFilesStorage`, few, { STATIC_ROOT: join(folder, 'to-few') }],
      ['local disk', `${django}.StaticFilesStorage`, many, { STATIC_ROOT: join(folder, 'to-plain') }],
      ['local disk, hashed', `${django}.ManifestStaticFilesStorage`, many, { STATIC_ROOT: join(folder, 'to') }],
      ['S3', `${s3}.S3StaticStorage`, many, { ...reached, AWS_LOCATION: 'plain' }],
      ['S3, hashed', `${s3}.S3ManifestStaticStorage`, many, { ...reached, AWS_LOCATION: 'hashed' }],
    ] as const) {
      const own = await mkdtemp(join(folder, 'settings-'))
      await mkdir(own, { recursive: true })
      const config = join(own, 'holdall.config.json')
      const settings = { STATICFILES_STORAGE, STATICFILES_DIRS: [source], STATIC_URL: '/static/', ...more }
      await writeFile(config, JSON.stringify(settings))
      for (const run of ['first', 'second']) {
        const words = ['--import', join(import.meta.dirname, 'peak.mjs'), join(PACKAGE, 'dist/cli/bin.js')]
        const command = [...words, '--config', config, 'collectstatic', '--noinput']
        const { printed, wallMs } = await timed({ program: process.execPath, words: command })
        const peak = /peak (\d+) MiB/.exec(printed)?.[1]
        console.log(`| ${[title, run, peak, (wallMs / 1000).toFixed(1)].join(' | ')} |`)
        server.requests.length = 0
      }
    }
  } finally {
    await server.close()
    await rm(folder, { recursive: true, force: true })
  }
}
