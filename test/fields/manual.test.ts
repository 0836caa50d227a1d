/** The Model transcripts of the django-storages 1.7.1 manual, 1.1.5 and 7.5.3, line by line. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { AzureStorage } from '../../src/backends/azure/index.ts'
import { GcsStorage } from '../../src/backends/gcs/index.ts'
import { S3Storage } from '../../src/backends/s3/index.ts'
import { fileField, imageField } from '../../src/fields/index.ts'
import { type AnyStorage, ContentFile, LocalStorage, MemoryStorage, type NameStrategy } from '../../src/index.ts'
import { at } from '../backends/gcs/support.ts'
import { startStrictAzure } from '../servers/strict-azure.ts'
import { startStrictGcs } from '../servers/strict-gcs.ts'
import { startStrictS3 } from '../servers/strict-s3.ts'
import { Table } from './table.ts'

const s3 = await startStrictS3()
const azure = await startStrictAzure({ containers: ['media'] })
const gcs = await startStrictGcs()
const folder = mkdtempSync(join(tmpdir(), 'holdall-manual-'))
afterAll(async () => {
  await Promise.all([s3.close(), azure.close(), gcs.close()])
  rmSync(folder, { recursive: true })
})

const bare = { settings: {}, env: {} }
let count = 0

interface Kind {
  readonly name: string
  make(options?: { readonly fileOverwrite?: boolean; readonly nameStrategy?: NameStrategy }): AnyStorage
}

const { accessKeyId: accessKey, secretAccessKey: secretKey } = s3.credentials
const s3Place = { endpointUrl: s3.url, regionName: s3.region, bucketName: 'media', accessKey, secretKey }
const kinds: readonly Kind[] = [
  { name: 'memory', make: options => new MemoryStorage({ ...options }, bare) },
  { name: 'local', make: options => new LocalStorage({ location: join(folder, `${count++}`), ...options }, bare) },
  { name: 'S3', make: options => new S3Storage({ ...s3Place, location: `${count++}`, ...options }, bare) },
  {
    name: 'Azure',
    make: options =>
      new AzureStorage(
        { connectionString: azure.connectionString, azureContainer: 'media', location: `${count++}`, ...options },
        bare,
      ),
  },
  {
    name: 'GCS',
    make: options => new GcsStorage({ bucketName: 'media', ...at(gcs), location: `${count++}`, ...options }, bare),
  },
]

const cache = new Map<string, string>()

describe.each(kinds)('on $name', ({ name, make }) => {
  it('1.1.5: Model', async () => {
    // Amazon S3 overwrites, and so does every storage that is asked to.
    const storage = make(name === 'S3' ? {} : { fileOverwrite: true })
    const MyModel = new Table('my_model', { normal: fileField({ storage, uploadTo: 'tests' }) })

    const obj1 = MyModel.object()
    expect(inspect(obj1.normal)).toBe('<FieldFile: None>')
    expect(obj1.normal.isEmpty).toBe(true)
    await expect(obj1.normal.size()).rejects.toMatchObject({
      code: 'no_file',
      message: "The 'normal' attribute has no file associated with it.",
    })

    await obj1.normal.save('django_test.txt', new ContentFile('content'))
    expect(inspect(obj1.normal)).toBe('<FieldFile: tests/django_test.txt>')
    expect(await obj1.normal.size()).toBe(7)
    expect(String(await obj1.normal.read())).toBe('content')
    expect(obj1.id).toBe(1)

    await obj1.normal.open()
    expect(String(await obj1.normal.read(3))).toBe('con')
    expect(String(await obj1.normal.read())).toBe('tent')
    const chunks: unknown[] = []
    for await (const chunk of obj1.normal.chunks(2)) chunks.push(chunk)
    expect(chunks.join('-')).toBe('co-nt-en-t')

    const obj2 = MyModel.object()
    await obj2.normal.save('django_test.txt', new ContentFile('more content'))
    expect(inspect(obj2.normal)).toBe('<FieldFile: tests/django_test.txt>')
    expect(await obj2.normal.size()).toBe(12)
    // The first object has the same file.
    expect(String(await (await MyModel.object(1).normal.open('r')).read())).toBe('more content')

    cache.set('obj1', JSON.stringify(obj1))
    cache.set('obj2', JSON.stringify(obj2))
    expect(inspect(MyModel.model.revive(JSON.parse(cache.get('obj2')!)).normal)).toBe(
      '<FieldFile: tests/django_test.txt>',
    )

    await obj1.normal.delete()
    expect(await storage.exists('tests/django_test.txt')).toBe(true)
    await obj2.normal.delete()
    expect(await storage.listdir('tests')).toEqual([[], []])
    expect([inspect(obj2.normal), inspect(MyModel.object(2).normal)]).toEqual([
      '<FieldFile: None>',
      '<FieldFile: None>',
    ])
    await storage.close()
  })

  it.each(['underscore', 'random'] as const)('7.5.3: Model, with %s names', async nameStrategy => {
    const storage = make({ fileOverwrite: false, nameStrategy })
    const Resume = new Table('resume', {
      pdf: fileField({ storage, uploadTo: 'tests' }),
      photos: imageField({ storage, uploadTo: 'photos' }),
    })
    const second =
      nameStrategy === 'underscore'
        ? /^<FieldFile: tests\/django_test_\.txt>$/
        : /^<FieldFile: tests\/django_test_\w{7}\.txt>$/

    const obj1 = Resume.object()
    expect(inspect(obj1.pdf)).toBe('<FieldFile: None>')
    await expect(obj1.pdf.size()).rejects.toThrow("The 'pdf' attribute has no file associated with it.")

    await obj1.pdf.save('django_test.txt', new ContentFile('content'))
    expect(inspect(obj1.pdf)).toBe('<FieldFile: tests/django_test.txt>')
    expect(await obj1.pdf.size()).toBe(7)
    expect(String(await obj1.pdf.read())).toBe('content')

    await obj1.pdf.open()
    expect(String(await obj1.pdf.read(3))).toBe('con')
    expect(String(await obj1.pdf.read())).toBe('tent')
    const chunks: unknown[] = []
    for await (const chunk of obj1.pdf.chunks(2)) chunks.push(chunk)
    expect(chunks.join('-')).toBe('co-nt-en-t')

    const obj2 = Resume.object()
    await obj2.pdf.save('django_test.txt', new ContentFile('more content'))
    expect(inspect(obj2.pdf)).toMatch(second)
    expect(await obj2.pdf.size()).toBe(12)

    cache.set('obj1', JSON.stringify(obj1))
    cache.set('obj2', JSON.stringify(obj2))
    const revived = Resume.model.revive(JSON.parse(cache.get('obj2')!))
    expect(inspect(revived.pdf)).toMatch(second)
    expect(await revived.pdf.size()).toBe(12)

    const freed = obj2.pdf.name!
    await obj2.delete()
    expect(await storage.exists(freed)).toBe(false)
    expect(String(await storage.readText('tests/django_test.txt'))).toBe('content')
    await obj2.pdf.save('django_test.txt', new ContentFile('more content'))
    expect(inspect(obj2.pdf)).toMatch(second)
    if (nameStrategy === 'underscore') expect(obj2.pdf.name).toBe(freed)

    // Not if another object still uses it.
    const obj3 = Resume.object()
    ;(obj3 as { pdf: unknown }).pdf = Resume.model.attach('pdf', obj2.pdf.name)
    await obj3.save()
    await obj2.delete()
    expect(await obj3.pdf.size()).toBe(12)
    await obj3.delete()
    await obj1.delete()
    expect(await storage.listdir('tests')).toEqual([[], []])
    await storage.close()
  })
})
