/** What FTP must do on every real server. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import type { FtpServer } from '../servers/ftp-server.ts'
import { runChild } from '../support/child.ts'
import { describeConformance } from './backend.ts'
import { describeOddNames, describePool } from './file-server.ts'
import { conformanceOf, emptied } from './places/file-server.ts'
import { ftpPlace, ftpStorage } from './places/ftp.ts'

/** What one server keeps otherwise. */
export interface FtpHabits {
  /** Names out of the odd ones of both suites that it would store otherwise. */
  readonly refusedNames?: readonly string[]
  /** Those that it keeps as names of files and not of folders. */
  readonly refusedFolders?: readonly string[]
}

/** Registers conformance, names, the pool, and what another client makes of the files. */
export function describeFtp(title: string, server: FtpServer, habits: FtpHabits = {}): void {
  const { driver, storage, close } = conformanceOf(ftpPlace(server), {
    ...habits,
    // Over TLS a listing of Pure-FTPd takes 45 ms, whoever asks.
    locations: server.tls === 'none' ? ['', 'some place/below/'] : [''],
    expects: { features: { ranges: true, exclusiveCreate: false, metadata: false } },
    keeps: ['modifiedAt'],
  })
  describe(title, () => {
    afterAll(close)
    describeConformance({ 'the driver of FTP': driver }, { 'the storage of FTP': storage })
    describeOddNames(ftpPlace(server), habits)
    describePool(ftpPlace(server))

    test('a wrong password is told without it, however long the server takes to refuse it', async () => {
      await using files = ftpStorage(reachedBy(server, server.url.replace(/:[^:@]*@/, ':wr%2Fong@')))
      const error = await files.listdir().catch((reason: unknown) => reason)
      expect(error).toMatchObject({ name: 'StorageError', code: 'permission_denied' })
      expect(String((error as Error).stack)).not.toMatch(/wr(%2F|\/)ong/)
    })

    if (server.tls === 'none') {
      test('in active mode the server connects to us, both ways', async () => {
        await using files = ftpStorage(reachedBy(server, server.url.replace('ftp:', 'aftp:')))
        const bytes = Buffer.alloc(700_000, 'in active mode ')
        expect(await Promise.all(['d/a', 'd/b', 'd/c'].map(name => files.save(name, bytes)))).toEqual([
          'd/a',
          'd/b',
          'd/c',
        ])
        for (const name of ['d/a', 'd/b', 'd/c']) expect(bytes.equals(await files.readBytes(name))).toBe(true)
        expect(await files.listdir('d')).toEqual([[], ['a', 'b', 'c']])
        await emptied(server)
      })
    }

    test('many saves at once make a new folder once, beside questions for what is not there', async () => {
      await using files = ftpStorage(server, { poolSize: 4 })
      await files.save('sample.txt', 'x')
      for (const folder of ['one', 'two/a/b', 'three', 'four/a/b', 'five', 'six/a/b']) {
        const names = Array.from({ length: 16 }, (_, at) => `${folder}/${at}`)
        const asked = names.map(async (name, at) => {
          expect(await files.exists(`${folder}${at}`)).toBe(false)
          return files.save(name, `content of ${name}`)
        })
        expect(await Promise.all(asked)).toEqual(names)
      }
      await emptied(server)
    })

    describe('curl', () => {
      const url = server.url.replace('ftps:', 'ftp:')
      const words = url === server.url ? ['-sS'] : ['-sS', '--ssl-reqd', '--cacert', server.certPath]
      afterEach(() => emptied(server))

      test('reads what we save, and we read what it saves', async () => {
        await using files = ftpStorage(server)
        const bytes = Buffer.from(Uint8Array.from({ length: 70_000 }, (_, at) => (at * 7) ^ (at >> 8)))
        await files.save('d/e/ours.bin', bytes)
        const { bytes: got } = await runChild('curl', [...words, `${url}/files/d/e/ours.bin`])
        expect(got.equals(bytes)).toBe(true)
        await runChild('curl', [...words, '-T', join(server.files, 'd/e/ours.bin'), `${url}/files/d/theirs.bin`])
        await using file = await files.open('d/theirs.bin')
        expect((await file.read()).equals(bytes)).toBe(true)
        expect(await files.listdir('d')).toEqual([['e'], ['theirs.bin']])
      })

      test('an empty file arrives, and replaces a full one', async () => {
        await using files = ftpStorage(server, { fileOverwrite: true })
        await files.save('empty', '')
        await files.save('full', 'full')
        await files.save('full', Buffer.alloc(0))
        for (const name of ['empty', 'full']) {
          expect(await readFile(join(server.files, name), 'utf8')).toBe('')
          expect(await files.size(name)).toBe(0)
        }
      })
    })
  })
}

/** Many transfers over TLS whose sessions must be resumed. */
export function describeReuse(title: string, server: FtpServer): void {
  test(`TLS, ${title}: each transfer resumes the session of its own connection`, async () => {
    await using files = ftpStorage(server, { poolSize: 3, fileOverwrite: true })
    const names = Array.from({ length: 60 }, (_, at) => `folder/${at}`)
    await Promise.all(names.map(name => files.save(name, `content of ${name}`)))
    const texts = await Promise.all(names.map(name => files.open(name, 'r').then(file => file.read())))
    expect(texts).toEqual(names.map(name => `content of ${name}`))
    const { errors } = await files.deleteMany(names)
    expect(errors).toEqual([])
  })
}

/** The server by another URL. */
function reachedBy(server: FtpServer, url: string): FtpServer {
  return Object.create(server, { url: { value: url } }) as FtpServer
}
