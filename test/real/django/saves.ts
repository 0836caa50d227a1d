import { describe, expect, test } from 'vitest'
import { objectsIn } from './objects.ts'
import { CUSTOMER_KEY, SETTING_CASES } from './parameter-cases.ts'
import { outcomeOf, type Place } from './place.ts'
import type { DjangoSettings } from './python.ts'
import { FORM_CASES, type Outcome, type SaveCase } from './save-cases.ts'

type Read = { readonly read: string } | { readonly refused: string }

/** Types that differ: Debian's /etc/mime.types here, the registry of npm's `mime` there, which knows the later names. */
const OTHER_TYPES: Readonly<Record<string, readonly [django: string, holdall: string]>> = {
  flac: ['audio/flac', 'audio/x-flac'],
  map: ['application/octet-stream', 'application/json'],
  py: ['text/x-python', 'application/octet-stream'],
  ts: ['text/vnd.trolltech.linguist', 'video/mp2t'],
  wav: ['audio/x-wav', 'audio/wav'],
  yaml: ['application/octet-stream', 'text/yaml'],
}

/** What one side stored or refused, and what the other reads of it. */
interface Result {
  readonly outcome: Outcome
  readonly read: Read | undefined
}

const EXTENSIONS =
  'html css js mjs json xml txt csv md pdf zip gif jpg jpeg png svg webp avif ico bmp tiff mp3 m4a ogg mp4 webm mov avi mpeg ' +
  'woff woff2 ttf otf wasm doc docx xls xlsx ppt pptx odt ods rtf tar 7z epub ics eml webmanifest'

/** Every case is saved by django-storages and by us into the empty bucket; what the server then holds must be equal. */
export function describeSaves(place: Place): void {
  describe('a save', () => {
    test('of common names has the same types', async () => {
      const extensions = [...EXTENSIONS.split(' '), ...Object.keys(OTHER_TYPES)]
      const names = extensions.map(extension => `a.${extension}`)
      const settings = place.settings()
      await using storage = place.holdall(settings)
      const content = Buffer.from('x')
      const theirs = await typesOf(place, names, name => place.django.ask('save', { settings }, { name, content }))
      const ours = await typesOf(place, names, name => storage.save(name, content))
      for (const [extension, [django, holdall]] of Object.entries(OTHER_TYPES)) {
        expect([theirs[`a.${extension}`]![0], ours[`a.${extension}`]![0]]).toEqual([django, holdall])
        theirs[`a.${extension}`] = ours[`a.${extension}`]!
      }
      expect(ours).toEqual(theirs)
    })

    test.each([...FORM_CASES, ...SETTING_CASES])('$title', async wanted => {
      const content = Buffer.from(wanted.content ?? 'content')
      const settings = place.settings(wanted.settings)
      const theirs = await djangoResult(place, settings, wanted, content)
      const ours = await holdallResult(place, settings, wanted, content)
      compare(wanted, theirs.outcome, ours.outcome)
      const given = { read: content.toString('latin1') }
      if (isStored(theirs)) expect(theirs.read).toEqual(wanted.read?.holdall ?? given)
      if (isStored(ours)) expect(ours.read).toEqual(wanted.read?.django ?? given)
    })
  })
}

/** The types that one side gives to names. */
async function typesOf(place: Place, names: readonly string[], save: (name: string) => Promise<unknown>) {
  for (const name of names) await save(name)
  const objects = await objectsIn(place.client, place.bucket)
  await place.empty()
  return Object.fromEntries(names.map(name => [name, [objects[name]!['type'], objects[name]!['encoding']]]))
}

function isStored({ outcome }: Result): boolean {
  return outcome['refused'] === undefined
}

function compare({ expected, differs, except }: SaveCase, theirs: Outcome, ours: Outcome): void {
  if (expected !== undefined) expect(theirs).toMatchObject(expected)
  if (differs === undefined) {
    expect(without(ours, except?.attributes)).toEqual(without(theirs, except?.attributes))
    return
  }
  expect(theirs, differs.why).toMatchObject(differs.django)
  expect(ours, differs.why).toMatchObject(differs.holdall)
  if ('refused' in theirs || 'refused' in ours) return
  const names = [...new Set([...Object.keys(differs.django), ...Object.keys(differs.holdall)])]
  // The bytes and the key follow from what was named.
  if (names.includes('encoding') && ours['encoding'] === 'gzip') names.push('size', 'sha256', 'etag')
  if (names.includes('returned')) names.push('keys')
  expect(without(ours, names)).toEqual(without(theirs, names))
}

function without(outcome: Outcome, names: readonly string[] = []): Outcome {
  return Object.fromEntries(Object.entries(outcome).filter(([name]) => !names.includes(name)))
}

async function djangoResult(
  place: Place,
  settings: DjangoSettings,
  wanted: SaveCase,
  content: Buffer,
): Promise<Result> {
  const { name = 'a.txt', contentType, maxLength } = wanted
  const args = { name, content, content_type: contentType ?? null, max_length: maxLength ?? null }
  const saved = await outcomeOf(() => place.django.ask<string>('save', { settings }, args))
  const outcome = await stored(place, saved, wanted)
  let read: Read | undefined
  if (typeof saved === 'string') {
    await using storage = place.holdall(settings)
    read = await readOf(async () => {
      await using file = await storage.open(saved)
      return await file.read()
    })
  }
  await place.empty()
  return { outcome, read }
}

async function holdallResult(
  place: Place,
  settings: DjangoSettings,
  wanted: SaveCase,
  content: Buffer,
): Promise<Result> {
  const { name = 'a.txt', contentType, maxLength } = wanted
  const saved = await outcomeOf(async () => {
    await using storage = place.holdall(settings)
    const source = contentType === undefined ? content : new Blob([content], { type: contentType })
    return await storage.save(name, source, { maxLength })
  })
  const outcome = await stored(place, saved, wanted)
  const read =
    typeof saved === 'string'
      ? await readOf(() => place.django.ask<Buffer>('read', { settings }, { name: saved, mode: 'rb' }))
      : undefined
  await place.empty()
  return { outcome, read }
}

async function readOf(read: () => Promise<Buffer>): Promise<Read> {
  const got = await outcomeOf(read)
  return Buffer.isBuffer(got) ? { read: got.toString('latin1') } : (got as Read)
}

/** Everything in the bucket as one flat record: attributes of the object that was saved, if one was. */
async function stored(place: Place, saved: unknown, { settings = {} }: SaveCase): Promise<Outcome> {
  const parameters = settings['AWS_S3_OBJECT_PARAMETERS'] as { SSECustomerKey?: string } | undefined
  const objects = await objectsIn(
    place.client,
    place.bucket,
    parameters?.SSECustomerKey === undefined ? undefined : CUSTOMER_KEY,
  )
  const keys = Object.keys(objects)
  if (typeof saved !== 'string') return { ...(saved as Outcome), keys }
  expect(keys).toHaveLength(1)
  return { returned: saved, keys, ...objects[keys[0]!] }
}
