/** `sync` and `migrate` to and from real servers: a first run copies, a second one finds every file unchanged by the record or ledger. */
import { mkdtemp, readdir, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { LocalStorage } from '../../src/backends/local/index.ts'
import type { AnyStorage } from '../../src/storage/storage.ts'
import { compare } from '../../src/transfer/index.ts'
import { startRgw } from '../servers/rgw.ts'
import { startSshd } from '../servers/sshd.ts'
import { startVsftpd } from '../servers/vsftpd.ts'
import { filesIn, fill, NOWHERE, WAYS, type Way } from '../transfer/support.ts'
import { ftpStorage } from './places/ftp.ts'
import { rgwStorage } from './places/rgw.ts'
import { sshdStorage } from './places/sshd.ts'

const folder = await mkdtemp(join(tmpdir(), 'holdall-sync-servers-'))
const [rgw, sshd, vsftpd] = await Promise.all([startRgw(), startSshd(), startVsftpd()])
afterAll(async () => {
  await Promise.all([rgw.close(), sshd.close(), vsftpd.close()])
  await rm(folder, { recursive: true })
}, 60_000)

const FILES = {
  'a.txt': 'alpha',
  'a b/ü+%25&.txt': 'odd',
  'a-c/empty': '',
  'a/b/c.bin': 'x'.repeat(300_000),
  'z/same.txt': 'text',
}

/** Puts the times of all files below a folder back, so that they are settled. */
async function age(path: string): Promise<void> {
  for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) await utimes(join(entry.parentPath, entry.name), 1_700_000_000, 1_700_000_000)
  }
}

const places: ReadonlyArray<readonly [string, () => AnyStorage, string | undefined]> = [
  ['RGW', () => rgwStorage(rgw), undefined],
  ['OpenSSH', () => sshdStorage(sshd), sshd.files],
  ['vsftpd', () => ftpStorage(vsftpd), vsftpd.files],
]

const cases = places.flatMap(place => WAYS.map(way => [way.name, place[0], way, place] as const))

/** The times of all files of a storage in whole seconds, by their names. */
async function timesIn(storage: AnyStorage, path: string): Promise<Readonly<Record<string, number>>> {
  const times: Record<string, number> = {}
  for await (const entry of storage.entries(path, { recursive: true })) {
    const { modifiedAt } = await storage.stat(entry)
    times[entry.name.slice(path === '' ? 0 : path.length + 1)] = Math.floor(+modifiedAt! / 1000)
  }
  return times
}

/** `sync` also reports what the record showed. */
function byRecord({ name }: Way, record: number): object {
  return name === 'sync' ? { compared: { record } } : {}
}

describe.each(cases)('%s with %s', (name, title, way, [, storageOf, onDisk]) => {
  it('copies there and back, and the second runs copy nothing', async () => {
    const remote = storageOf()
    await remote.createContainer()
    const own = join(folder, `${title} ${name}`)
    const [ours, back] = ['ours', 'back'].map(each => new LocalStorage({ location: join(own, each) }, NOWHERE)) as [
      LocalStorage,
      LocalStorage,
    ]
    const count = Object.keys(FILES).length
    const mirror = `${name} mirror`
    await fill(ours, FILES)
    await age(own)
    try {
      const options = { record: `${own}.there`, targetPath: mirror, delete: true }
      expect(await way.sync(ours, remote, options)).toMatchObject({ copied: count, failed: 0, inSync: true })
      if (name === 'migrate' && remote.supports('setModifiedTime')) {
        expect(await timesIn(remote, mirror)).toEqual(await timesIn(ours, ''))
      }
      expect(await way.sync(ours, remote, options)).toMatchObject({
        copied: 0,
        unchanged: count,
        ...byRecord(way, count),
      })
      expect(await compare(ours, remote, { targetPath: mirror })).toMatchObject({ equal: count, isEqual: true })

      // Equal size, and other content; one file less.
      await ours.save('z/same.txt', 'TEXT', { overwrite: true })
      await ours.delete('a-c/empty')
      const third = await way.sync(ours, remote, options)
      expect(third).toMatchObject({ copied: 1, deleted: 1, unchanged: count - 2, inSync: true })

      if (onDisk !== undefined) await age(onDisk)
      const again = { record: `${own}.back`, sourcePath: mirror, delete: true }
      expect(await way.sync(remote, back, again)).toMatchObject({ copied: count - 1, failed: 0, inSync: true })
      expect(await filesIn(back)).toEqual(await filesIn(ours))
      if (name === 'migrate') expect(await timesIn(back, '')).toEqual(await timesIn(remote, mirror))
      const last = await way.sync(remote, back, again)
      expect(last).toMatchObject({ copied: 0, unchanged: count - 1, ...byRecord(way, count - 1) })
      await remote.save(`${mirror}/z/same.txt`, 'Text', { overwrite: true })
      expect(await way.sync(remote, back, again)).toMatchObject({ copied: 1, unchanged: count - 2, inSync: true })
      expect(await back.readText('z/same.txt')).toBe('Text')
      expect(await way.sync(remote, back, { ...again, checksum: true })).toMatchObject({ failed: 0, inSync: true })
    } finally {
      await remote.close()
    }
  }, 60_000)
})
