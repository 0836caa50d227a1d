import { buffer } from 'node:stream/consumers'
import { finished } from 'node:stream/promises'
import { afterAll, describe, expect, it } from 'vitest'
import { AtmosStorage } from '../../src/backends/atmos/index.ts'
import { AzureStorage } from '../../src/backends/azure/index.ts'
import { DropboxStorage } from '../../src/backends/dropbox/index.ts'
import { FtpStorage } from '../../src/backends/ftp/index.ts'
import { GcsStorage } from '../../src/backends/gcs/index.ts'
import type { LibCloudDriver } from '../../src/backends/libcloud/driver.ts'
import { LibCloudStorage } from '../../src/backends/libcloud/index.ts'
import { LocalStorage, ManifestStaticFilesStorage } from '../../src/backends/local/index.ts'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { NimbusStorage } from '../../src/backends/nimbus/index.ts'
import { S3Storage } from '../../src/backends/s3/index.ts'
import { SftpStorage } from '../../src/backends/sftp/index.ts'
import { RackspaceStorage, SwiftStorage } from '../../src/backends/swift/index.ts'
import type { FieldFile } from '../../src/fields/field-file.ts'
import { imageField } from '../../src/fields/image-field.ts'
import { FileModel, fileField } from '../../src/fields/index.ts'
import { StorageFile } from '../../src/files/storage-file.ts'
import { FolderFinder, PackageFinder, StorageFinder } from '../../src/static/index.ts'
import { StaticFiles } from '../../src/static/static-files.ts'
import type { AnyStorage } from '../../src/storage/storage.ts'
import { StorageDriver } from '../../src/storage/storage-driver.ts'

const NOWHERE = { settings: {}, env: {} }
const ACCOUNT_KEY = Buffer.alloc(64, 1).toString('base64')

/** A storage of every backend; none of them is sent anything. */
const storages: Readonly<Record<string, AnyStorage>> = {
  memory: new MemoryStorage({}, NOWHERE),
  local: new LocalStorage({ location: 'nowhere', baseUrl: '/media/' }, NOWHERE),
  manifest: new ManifestStaticFilesStorage({ location: 'nowhere', baseUrl: '/media/' }, NOWHERE),
  s3: new S3Storage({ bucketName: 'b', accessKey: 'a', secretKey: 's', regionName: 'eu-west-1' }, NOWHERE),
  azure: new AzureStorage({ accountName: 'account', accountKey: ACCOUNT_KEY, containerName: 'c' } as never, NOWHERE),
  gcs: new GcsStorage({ bucketName: 'b', hmacKeyId: 'a', hmacSecret: 's' }, NOWHERE),
  dropbox: new DropboxStorage({ oauth2AccessToken: 'token' } as never, NOWHERE),
  ftp: new FtpStorage({ location: 'ftp://localhost:1/media' }, NOWHERE),
  sftp: new SftpStorage({ host: 'localhost', location: '/media' }, NOWHERE),
  swift: new SwiftStorage(
    { authUrl: 'http://localhost:1/v3', username: 'u', password: 'p', containerName: 'c' },
    NOWHERE,
  ),
  rackspace: new RackspaceStorage({ userName: 'u', apiKey: 'k', region: 'DFW', containerName: 'c' } as never, NOWHERE),
  atmos: new AtmosStorage({ host: 'localhost', user: 'u', key: 'a2V5' } as never, NOWHERE),
  nimbus: new NimbusStorage({ user: 'u:1', key: 'k', collection: 'cc', domain: 'localhost' } as never, NOWHERE),
  libcloud: new LibCloudStorage('x', {
    settings: { LIBCLOUD_PROVIDERS: { x: { type: 'libcloud.storage.types.Provider.LOCAL', user: '.', bucket: 'b' } } },
    env: {},
  }),
}

afterAll(async () => {
  await Promise.all(Object.values(storages).map(storage => storage.close()))
})

type Calls = Readonly<Record<string, (it: never, options: never) => unknown>>

/** A call of each public method that takes options. */
const storageCalls = {
  discover: (it, options) => it.discover(options),
  open: (it, options) => it.open('a', 'rb', options),
  edit: (it, options) => it.edit('a', 'w', () => undefined, options),
  save: (it, options) => it.save('a', 'text', options),
  saveJson: (it, options) => it.saveJson('a', {}, options),
  delete: (it, options) => it.delete('a', options),
  deleteMany: (it, options) => it.deleteMany(['a'], options),
  deleteAll: (it, options) => it.deleteAll('a', options),
  createWriteStream: (it, options) => finished(it.createWriteStream('a', options).end()),
  copy: (it, options) => it.copy('a', 'b', options),
  move: (it, options) => it.move('a', 'b', options),
  copyAll: (it, options) => it.copyAll('a', 'b', options),
  moveAll: (it, options) => it.moveAll('a', 'b', options),
  createContainer: (it, options) => it.createContainer(options),
  sweep: (it, options) => it.sweep(options),
  getAvailableName: (it, options) => it.getAvailableName('a', options),
  isNameAvailable: (it, options) => it.isNameAvailable('a', options),
  url: (it, options) => it.url('a', options),
  exists: (it, options) => it.exists('a', options),
  stat: (it, options) => it.stat('a', options),
  listdir: (it, options) => it.listdir('a', options),
  page: (it, options) => it.page('a', options),
  entries: (it, options) => it.entries('a', options).next(),
  size: (it, options) => it.size('a', options),
  getModifiedTime: (it, options) => it.getModifiedTime('a', options),
  getCreatedTime: (it, options) => it.getCreatedTime('a', options),
  getAccessedTime: (it, options) => it.getAccessedTime('a', options),
  setModifiedTime: (it, options) => it.setModifiedTime('a', new Date(), options),
  checksum: (it, options) => it.checksum('a', 'sha256', options),
  readBytes: (it, options) => it.readBytes('a', options),
  readText: (it, options) => it.readText('a', options),
  readJson: (it, options) => it.readJson('a', options),
  createReadStream: (it, options) => buffer(it.createReadStream('a', options)),
  webStream: (it, options) => it.webStream('a', options).getReader().read(),
  uploadTarget: (it, options) => it.uploadTarget('a', options),
  openUpload: (it, options) => it.openUpload('a', options),
  resumeUpload: (it, options) => it.resumeUpload('token', options),
  visibility: (it, options) => it.visibility('a', options),
  setVisibility: (it, options) => it.setVisibility('a', 'private', options),
} satisfies Readonly<Record<string, (it: AnyStorage, options: never) => unknown>>

/** Methods of one backend only. */
const ownCalls: Calls = {
  signedCookies: (it: S3Storage, options) => it.signedCookies('a', options),
  uploadForm: (it: S3Storage, options) => it.uploadForm('a', options),
  resumableUploadUrl: (it: GcsStorage, options) => it.resumableUploadUrl('a', options),
  setTier: (it: AzureStorage, options) => it.setTier('a', 'Cool', options),
  uploadUrl: (it: DropboxStorage, options) => it.uploadUrl('a', options),
  copyMany: (it: DropboxStorage, options) => it.copyMany([], options),
  moveMany: (it: DropboxStorage, options) => it.moveMany([], options),
  setPublic: (it: SwiftStorage, options) => it.setPublic(true, options),
  storeTempUrlKey: (it: SwiftStorage, options) => it.storeTempUrlKey(options),
  cdnState: (it: RackspaceStorage, options) => it.cdnState(options),
  enableCdn: (it: RackspaceStorage, options) => it.enableCdn(options),
  disableCdn: (it: RackspaceStorage, options) => it.disableCdn(options),
  purgeCdn: (it: RackspaceStorage, options) => it.purgeCdn('a', options),
  serviceInfo: (it: AtmosStorage, options) => it.serviceInfo(options),
  versions: (it: NimbusStorage, options) => it.versions('a', options),
  deleteVersion: (it: NimbusStorage, options) => it.deleteVersion('a', 'v', options),
}

const driverCalls: Calls = {
  createContainer: (it: StorageDriver, options) => it.createContainer('a', options),
  listContainers: (it: StorageDriver, options) => it.listContainers(options),
  iterateContainers: (it: StorageDriver, options) => it.iterateContainers(options).next(),
  getContainer: (it: StorageDriver, options) => it.getContainer('a', options),
  deleteContainer: (it: StorageDriver, options) => it.deleteContainer('a', options),
}

/** Methods of libcloud's drivers. */
const objectCalls: Calls = {
  ...driverCalls,
  listContainerObjects: (it: LibCloudDriver, options) => it.listContainerObjects('b', options),
  iterateContainerObjects: (it: LibCloudDriver, options) => it.iterateContainerObjects('b', options).next(),
  getObject: (it: LibCloudDriver, options) => it.getObject('b', 'a', options),
  uploadObject: (it: LibCloudDriver, options) => it.uploadObject('nowhere', 'b', 'a', options),
  uploadObjectViaStream: (it: LibCloudDriver, options) => it.uploadObjectViaStream('text', 'b', 'a', options),
  downloadObject: (it: LibCloudDriver, options) => it.downloadObject(OBJECT, 'nowhere', options),
  downloadObjectAsStream: (it: LibCloudDriver, options) => buffer(it.downloadObjectAsStream(OBJECT, options)),
  downloadObjectRange: (it: LibCloudDriver, options) => it.downloadObjectRange(OBJECT, 'nowhere', options),
  downloadObjectRangeAsStream: (it: LibCloudDriver, options) => buffer(it.downloadObjectRangeAsStream(OBJECT, options)),
  deleteObject: (it: LibCloudDriver, options) => it.deleteObject(OBJECT, options),
  getObjectCdnUrl: (it: LibCloudDriver, options) => it.getObjectCdnUrl(OBJECT, options),
  getContainerCdnUrl: (it: LibCloudDriver, options) => it.getContainerCdnUrl('b', options),
}
const OBJECT = { container: 'b', name: 'a' }

const fileCalls: Calls = {
  size: (it: StorageFile<'r+'>, options) => it.size(options),
  read: (it: StorageFile<'r+'>, options) => it.read(1, options),
  readLine: (it: StorageFile<'r+'>, options) => it.readLine(options),
  readLines: (it: StorageFile<'r+'>, options) => it.readLines(options),
  chunks: (it: StorageFile<'r+'>, options) => it.chunks(1, options).next(),
  multipleChunks: (it: StorageFile<'r+'>, options) => it.multipleChunks(1, options),
  seek: (it: StorageFile<'r+'>, options) => it.seek(0, 0, options),
  write: (it: StorageFile<'r+'>, options) => it.write('a', options),
  writeLines: (it: StorageFile<'r+'>, options) => it.writeLines(['a'], options),
  truncate: (it: StorageFile<'r+'>, options) => it.truncate(0, options),
  stream: (it: StorageFile<'r+'>, options) => buffer(it.stream(options)),
  open: (it: StorageFile<'r+'>, options) => it.open('r+', options),
  close: (it: StorageFile<'r+'>, options) => it.close(options),
}

const fieldCalls: Calls = {
  size: (it: FieldFile, options) => it.size(options),
  url: (it: FieldFile, options) => it.url(options),
  open: (it: FieldFile, options) => it.open('rb', options),
  read: (it: FieldFile, options) => it.read(1, options),
  chunks: (it: FieldFile, options) => it.chunks(1, options).next(),
  stream: (it: FieldFile, options) => buffer(it.stream(options)),
  save: (it: FieldFile, options) => it.save('a', 'text', options),
  delete: (it: FieldFile, options) => it.delete(options),
  close: (it: FieldFile, options) => it.close(options),
}

const imageCalls: Calls = {
  dimensions: (it: { dimensions(options: never): unknown }, options) => it.dimensions(options),
  width: (it: { width(options: never): unknown }, options) => it.width(options),
  height: (it: { height(options: never): unknown }, options) => it.height(options),
}

const staticCalls: Calls = {
  load: (it: StaticFiles, options) => it.load(options),
  collect: (it: StaticFiles, options) => it.collect(options).next(),
}

/** Public methods without options, and those for backends. */
const WITHOUT_OPTIONS: ReadonlySet<string> = new Set(
  (
    'close discard tell toString toJSON toBSON equals belongTo assign settle storedName path supports keyOf nameOf isSpelled ref fileRef normalRef newRef ' +
    'isRoot objectParametersOf getObjectParameters writeOptions prepareContent decoder connect makeDriver getValidName getAlternativeName ' +
    'generateFilename getNameMaxLength getValidPath verifyUrl checkUrl unsignedRemedy named storageOf explained ' +
    'baseParameters parameterName downloadQuery isOnDomain isUnsigned customUrl publicUrl driverOptions identityOf signedUrl plainUrl isImmutable find findAll forgetManifest'
  ).split(' '),
)

function methodsOf(object: object): string[] {
  const names = new Set<string>()
  for (let each = Object.getPrototypeOf(object); each !== Object.prototype; each = Object.getPrototypeOf(each)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(each))) {
      if (typeof value === 'function' && name !== 'constructor') names.add(name)
    }
  }
  return [...names]
}

/** Fails for a method that is neither in the table nor known to take no options; else calls each of the object with a misspelt one. */
async function walk(
  object: object,
  calls: Calls,
  renamed: Readonly<Record<string, string>> = {},
  except: readonly string[] = [],
): Promise<void> {
  const methods = methodsOf(object).filter(name => !except.includes(name))
  expect(methods.filter(name => !Object.hasOwn(calls, name) && !WITHOUT_OPTIONS.has(name))).toEqual([])
  for (const name of methods) {
    if (!Object.hasOwn(calls, name)) continue
    const call = calls[name]!
    const answer = Promise.resolve().then(() => call(object as never, { singal: undefined, sginal: 1 } as never))
    await expect(
      answer.then(value => Promise.reject(new Error(`${name} gave ${value}`))),
      name,
    ).rejects.toMatchObject({
      name: 'StorageError',
      code: 'invalid_argument',
      message: `${renamed[name] ?? name} has no option 'sginal'${WITHOUT_SIGNAL.has(name) ? '' : " (did you mean 'signal'?)"}.`,
    })
  }
}

/** Those with options, but no signal among them. */
const WITHOUT_SIGNAL: ReadonlySet<string> = new Set(['signedCookies', 'uploadForm'])

/** Methods that pass their options on as they are. */
const RENAMED = { edit: 'open', createWriteStream: 'open' }

describe('an option that a method does not have is refused by', () => {
  it.each(Object.keys(storages))('every method of the storage of %s', async name => {
    await walk(storages[name]!, { ...ownCalls, ...storageCalls }, RENAMED)
  })

  it('every method of the account of a storage', async () => {
    expect(storages['memory']!.driver).toBeInstanceOf(StorageDriver)
    await walk(storages['memory']!.driver, driverCalls)
  })

  it("every method of libcloud's driver", async () => {
    const except = ['enableContainerCdn', 'iterateContainers', 'listContainers']
    await walk(storages['libcloud']!.driver, objectCalls, { getObjectCdnUrl: 'url' }, except)
  })

  it('every method of an open file, which stays usable', async () => {
    const storage = new MemoryStorage({}, NOWHERE)
    await storage.save('a', 'text')
    const file = await storage.open('a', 'r+')
    expect(file).toBeInstanceOf(StorageFile)
    await walk(file, fileCalls)
    expect(await file.read()).toBe('text')
    await file.close()
  })

  it('every method of a file of a row', async () => {
    const storage = new MemoryStorage({}, NOWHERE)
    await storage.save('a', 'text')
    const field = fileField({ storage })
    await walk(field.attach('a' as never), fieldCalls, { stream: 'createReadStream' })
    await walk(
      imageField({ storage }).attach('a' as never),
      { ...fieldCalls, ...imageCalls },
      { stream: 'createReadStream' },
    )
  })

  it('every method of StaticFiles', async () => {
    await walk(new StaticFiles({ storage: storages['memory']!, finders: [] }), staticCalls, {}, ['url'])
  })

  it('the store of fields and models, and finders', async () => {
    const field = fileField({ storage: storages['memory']! })
    const model = new FileModel('post', { file: field })
    const finders = [
      new FolderFinder(['/nowhere']),
      new PackageFinder([], { base: '/nowhere' }),
      new StorageFinder(storages['memory']!),
    ]
    const wrong = { bse: 'x', prefx: 'x' } as never
    for (const make of [
      () => new FolderFinder([], wrong),
      () => new PackageFinder([], wrong),
      () => new StorageFinder(storages['memory']!, wrong),
    ]) {
      expect(make).toThrow(/^(Folder|Package|Storage)Finder has no option '(bse|prefx)'/)
    }
    const bad = { sginal: 1, isIgnored: () => false } as never
    const calls: Readonly<Record<string, ReadonlyArray<() => Promise<unknown>>>> = {
      store: [() => field.store('a', bad), () => model.store({ file: 'a' }, bad)],
      find: finders.map(finder => () => finder.find('a', { sginal: 1 } as never)),
      files: finders.map(finder => () => finder.files(bad).next()),
    }
    for (const [method, all] of Object.entries(calls)) {
      for (const call of all) {
        await expect(call()).rejects.toMatchObject({
          code: 'invalid_argument',
          message: expect.stringMatching(new RegExp(`^${method} has no option '(sginal|isIgnored)'`)),
        })
      }
    }
  })

  it.each<[string, object]>([
    ['an AbortSignal, got a string', { signal: 'soon' }],
    ['an AbortSignal, got null', { signal: null }],
    ['a function, got number', { onProgress: 5 }],
    ['true or false, got a string', { overwrite: 'no' }],
    ['true or false, got number', { ifAbsent: 1 }],
    ['the etag of a file as text, got null', { ifMatch: null }],
    ['the etag of a file as text, got a string', { ifMatch: '' }],
  ])('expects %s', async (text, options) => {
    const storage = new MemoryStorage({ fileOverwrite: true }, NOWHERE)
    await storage.save('a', 'old')
    const refused = { code: 'invalid_argument', message: `save: ${Object.keys(options)[0]}: expected ${text}.` }
    await expect(storage.save('a', 'new', options as never)).rejects.toMatchObject(refused)
    expect(await storage.readText('a')).toBe('old')
  })

  it('expects true or false where everything would be deleted', async () => {
    const storage = new MemoryStorage({}, NOWHERE)
    await storage.save('a', 'text')
    await expect(storage.deleteAll('', { all: 'false' as never })).rejects.toMatchObject({
      code: 'invalid_argument',
      message: 'deleteAll: all: expected true or false, got a string.',
    })
    expect(await storage.exists('a')).toBe(true)
  })

  it('names what is no object of options', async () => {
    for (const options of ['r', 5, null]) {
      await expect(storages['memory']!.exists('a', options as never)).rejects.toMatchObject({
        code: 'invalid_argument',
        message: expect.stringContaining('exists: expected options as an object'),
      })
    }
  })
})

const SIGNED = { S3: { bucketName: 'b', accessKey: 'a', secretKey: 's', regionName: 'eu-west-1' } }
const S3 = (options: object) => new S3Storage({ ...SIGNED.S3, ...options }, NOWHERE)
const SWIFT = { authUrl: 'http://localhost:1/v3', username: 'u', password: 'p', containerName: 'c' }
const SECRET = 'a secret of 16 bytes or more'

/** Configurations whose URLs are not signed, with what the message has to name. */
const unsigned: Readonly<Record<string, readonly [AnyStorage, RegExp]>> = {
  memory: [storages['memory']!, /the backend 'memory' has no signed URLs/],
  'memory with a base URL': [new MemoryStorage({ baseUrl: '/media/' }, NOWHERE), /'memory' has no signed URLs/],
  ftp: [storages['ftp']!, /the backend 'ftp' has no signed URLs/],
  'ftp with a base URL': [
    new FtpStorage({ location: 'ftp://localhost:1/media', baseUrl: '/media/' }, NOWHERE),
    /'ftp' has no signed URLs/,
  ],
  sftp: [storages['sftp']!, /the backend 'sftp' has no signed URLs/],
  nimbus: [storages['nimbus']!, /no signed URLs/],
  'local without a base URL': [new LocalStorage({ location: 'x', urlSecret: SECRET }, NOWHERE), /set baseUrl\./],
  'local without a secret': [storages['local']!, /set urlSecret\./],
  'local without both': [new LocalStorage({ location: 'x' }, NOWHERE), /set urlSecret and baseUrl\./],
  's3 without querystringAuth': [
    S3({ querystringAuth: false }),
    /set querystringAuth \(AWS_QUERYSTRING_AUTH\) to true/,
  ],
  's3 on a domain': [
    S3({ customDomain: 'cdn.example.com' }),
    /set cloudfrontKeyId \(AWS_CLOUDFRONT_KEY_ID\) and cloudfrontKey \(AWS_CLOUDFRONT_KEY\), or leave customDomain \(AWS_S3_CUSTOM_DOMAIN\) out/,
  ],
  's3 without signatures': [
    new S3Storage({ bucketName: 'b', regionName: 'eu-west-1', signatureVersion: 'unsigned' }, NOWHERE),
    /set signatureVersion \(AWS_S3_SIGNATURE_VERSION\)/,
  ],
  'gcs without querystringAuth': [
    new GcsStorage({ bucketName: 'b', hmacKeyId: 'a', hmacSecret: 's', querystringAuth: false }, NOWHERE),
    /set querystringAuth \(GS_QUERYSTRING_AUTH\) to true/,
  ],
  'gcs with public files': [
    new GcsStorage({ bucketName: 'b', hmacKeyId: 'a', hmacSecret: 's', defaultAcl: 'publicRead' }, NOWHERE),
    /defaultAcl \(GS_DEFAULT_ACL\)/,
  ],
  'gcs without credentials': [
    new GcsStorage({ bucketName: 'b', credentials: 'anonymous' } as never, NOWHERE),
    /set credentials \(GS_CREDENTIALS\)/,
  ],
  'atmos on a domain': [
    new AtmosStorage({ host: 'localhost', user: 'u', key: 'a2V5', customDomain: 'cdn.example.com' } as never, NOWHERE),
    /leave customDomain \(ATMOS_CUSTOM_DOMAIN\) out/,
  ],
  libcloud: [storages['libcloud']!, /signed/],
}

/** Configurations whose URLs are signed. */
const signed: Readonly<Record<string, AnyStorage>> = {
  local: new LocalStorage({ location: 'x', baseUrl: '/media/', urlSecret: SECRET }, NOWHERE),
  s3: storages['s3']!,
  azure: storages['azure']!,
  gcs: storages['gcs']!,
  atmos: storages['atmos']!,
  swift: new SwiftStorage({ ...SWIFT, tempUrlKey: 'key' }, NOWHERE),
  dropbox: storages['dropbox']!,
}

describe('a URL with expiresInSecs', () => {
  it.each(Object.entries(unsigned))(
    'is unsupported where it would not be signed, and names the remedy: %s',
    async (_, [storage, text]) => {
      await expect(storage.url('a.txt', { expiresInSecs: 60 })).rejects.toMatchObject({
        code: 'unsupported',
        message: expect.stringMatching(text),
      })
    },
  )

  it.each(Object.entries(signed))('is for a whole number of seconds: %s', async (name, storage) => {
    for (const expiresInSecs of [0.5, 1.5, 3600.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      await expect(storage.url('a.txt', { expiresInSecs }), `${name} ${expiresInSecs}`).rejects.toMatchObject({
        code: 'invalid_argument',
        message: `expiresInSecs: expected a whole number, got ${expiresInSecs}. It is a number of seconds.`,
      })
    }
    await expect(storage.url('a.txt', { expiresInSecs: '60' as never })).rejects.toMatchObject({
      code: 'invalid_argument',
      message: 'expiresInSecs: expected a number, got a string. It is a number of seconds.',
    })
  })

  it('is signed where the settings leave URLs of the same storage plain', async () => {
    const storage = new AzureStorage(
      { accountName: 'account', accountKey: ACCOUNT_KEY, containerName: 'c' } as never,
      NOWHERE,
    )
    expect(await storage.url('a.txt')).not.toContain('sig=')
    expect(await storage.url('a.txt', { expiresInSecs: 60 })).toContain('sig=')
  })

  it('is of whole seconds also where the URL is for an upload', async () => {
    const dropbox = storages['dropbox'] as DropboxStorage
    const s3 = storages['s3'] as S3Storage
    const gcs = storages['gcs'] as GcsStorage
    for (const expiresInSecs of [90.5, '90' as never]) {
      const refused = { code: 'invalid_argument', message: expect.stringContaining('expiresInSecs: expected a') }
      await expect(dropbox.uploadUrl('a', { expiresInSecs })).rejects.toMatchObject(refused)
      await expect(s3.uploadForm('a', { expiresInSecs })).rejects.toMatchObject(refused)
      await expect(s3.url('a', { method: 'PUT', expiresInSecs })).rejects.toMatchObject(refused)
      await expect(gcs.uploadForm('a', { expiresInSecs })).rejects.toMatchObject(refused)
      await expect(gcs.resumableUploadUrl('a', { expiresInSecs })).rejects.toMatchObject(refused)
    }
  })

  it('is what it was without a life', async () => {
    expect(await S3({ querystringAuth: false }).url('a.txt')).toBe('https://s3.eu-west-1.amazonaws.com/b/a.txt')
    expect(await storages['local']!.url('a.txt', { expiresInSecs: undefined })).toBe('/media/a.txt')
  })
})
