import { readFile, writeFile } from 'node:fs/promises'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { built } from '../remote/holdall.ts'
import type { Command, Contender, Place } from './place.ts'

/** Files on their way at a time, of Holdall and of the bare loop; Holdall's default. */
const CONCURRENCY = 16
const PYTHON = '/usr/bin/python3'
/** The command line as it is built. */
export const CLI: string = join(import.meta.dirname, '../../dist/cli/bin.js')

/** The bare loop, twice over where every file has a second one with a hash in its name. */
async function bare(place: Place): Promise<Command> {
  const { endpoint: endpointUrl, bucket: bucketName, accessKey, secretKey, source, folder, isHashed } = place
  const script = join(folder, 'put-loop.mjs')
  // Node's own type stripping costs each process 100 ms.
  const text = await readFile(join(import.meta.dirname, 'put-loop.ts'), 'utf8')
  await writeFile(script, stripTypeScriptTypes(text))
  const options = { endpointUrl, bucketName, accessKey, secretKey, fileOverwrite: true }
  const module = built('backends/s3/index.js')
  const task = { module, source, concurrency: CONCURRENCY, options, times: isHashed ? 2 : 1 }
  return { program: process.execPath, words: [script, JSON.stringify(task)] }
}

/** The settings that Django and Holdall share. */
function settingsOf({ endpoint, bucket, accessKey, secretKey, source }: Place): Record<string, unknown> {
  return {
    AWS_S3_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: accessKey,
    AWS_SECRET_ACCESS_KEY: secretKey,
    AWS_STORAGE_BUCKET_NAME: bucket,
    STATICFILES_DIRS: [source],
    STATIC_URL: '/static/',
  }
}

function storageOf({ isHashed }: Place): string {
  return `storages.backends.s3boto3.S3${isHashed ? 'Manifest' : ''}StaticStorage`
}

async function holdall(place: Place, ...more: string[]): Promise<Command> {
  const config = join(place.folder, 'holdall.config.json')
  await writeFile(config, JSON.stringify({ ...settingsOf(place), STATICFILES_STORAGE: storageOf(place) }))
  return { program: process.execPath, words: [CLI, '--config', config, 'collectstatic', '--noinput', ...more] }
}

function django(place: Place): Command {
  const script = join(import.meta.dirname, '../../test/real/static/collect.py')
  const request = { storage: storageOf(place), settings: settingsOf(place), steps: [{ do: 'collect' }] }
  return { program: PYTHON, words: ['-I', '-B', script], input: JSON.stringify(request) }
}

/** A command of rclone from the folder to the bucket: `sync`, `copy`, `check`. */
export function rclone(
  { endpoint, accessKey, secretKey, source, bucket }: Place,
  command: string,
  ...more: string[]
): Command {
  const env = {
    RCLONE_CONFIG: '/dev/null',
    RCLONE_CONFIG_PLACE_TYPE: 's3',
    RCLONE_CONFIG_PLACE_PROVIDER: 'Ceph',
    RCLONE_CONFIG_PLACE_ENDPOINT: endpoint,
    RCLONE_CONFIG_PLACE_ACCESS_KEY_ID: accessKey,
    RCLONE_CONFIG_PLACE_SECRET_ACCESS_KEY: secretKey,
  }
  return { program: 'rclone', words: [command, '--fast-list', ...more, source, `place:${bucket}`], env }
}

/** As many files at a time as Holdall has. */
export const WIDE: readonly string[] = ['--transfers', `${CONCURRENCY}`, '--checkers', `${CONCURRENCY}`]

/** Everything that is compared; the first is the baseline. rclone makes no hashed names. */
export const CONTENDERS: readonly Contender[] = [
  { name: 'bare PUT loop', runs: [['first', bare]] },
  {
    name: 'holdall',
    runs: [
      ['first', place => holdall(place)],
      ['second', place => holdall(place)],
    ],
  },
  {
    name: 'rclone',
    runs: [
      ['first', place => rclone(place, 'sync')],
      ['second', place => rclone(place, 'sync')],
      ['--checksum', place => rclone(place, 'sync', '--checksum')],
    ],
  },
  {
    name: `rclone, ${CONCURRENCY} at a time`,
    runs: [
      ['first', place => rclone(place, 'sync', ...WIDE)],
      ['second', place => rclone(place, 'sync', ...WIDE)],
      ['--checksum', place => rclone(place, 'sync', ...WIDE, '--checksum')],
    ],
  },
  {
    name: 'django',
    runs: [
      ['first', django],
      ['second', django],
    ],
    rounds: 1,
  },
]
