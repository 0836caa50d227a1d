/** Pitfalls of FTP: times, of which a plain listing does not tell zone or year. */
import { describe, expect, test, vi } from 'vitest'
import { plainContext } from '../../../src/testing/index.ts'
import type { FtpServerOptions } from '../../servers/ftp.ts'
import { all, startPlace } from './support.ts'

const plain: FtpServerOptions = { without: ['MLST', 'MLSD'] }

describe('ftp-12: times', () => {
  const modified = new Date('2024-05-06T07:08:09Z')

  test.each([
    ['MLSD', {}],
    ['MDTM', plain],
  ] as const)(
    'are those of %s, in UTC and to the second, whatever zone the server lists in',
    async (_title, manners) => {
      await using place = await startPlace({ ...manners, zoneMinutes: 330 })
      place.server.put('folder/a', 'bytes', modified)
      const stat = await place.files.stat('folder/a')
      expect(stat).toMatchObject({ size: 5, modifiedAt: modified })
      expect(stat.isRoughTime ?? false).toBe(false)
      expect(await place.files.getModifiedTime('folder/a')).toEqual(modified)
    },
  )

  test('of LIST alone have no zone and are told to be rough', async () => {
    await using place = await startPlace({ without: ['MLST', 'MLSD', 'MDTM'] })
    place.server.put('folder/a', 'bytes', modified)
    const { files } = await place.files.calls.driver.list('folder/', { recursive: false }, plainContext())
    const [file] = files
    expect(file).toEqual({ key: 'folder/a', size: 5, modifiedAt: new Date('2024-05-06T00:00:00Z'), isRoughTime: true })
    const [entry] = await all(place.files.entries('folder'))
    expect(entry).toMatchObject({ size: 5, modifiedAt: new Date('2024-05-06T00:00:00Z') })
    // A question about one file has no listing to look at: nothing is told then, rather than a guess.
    expect((await place.files.stat('folder/a')).modifiedAt).toBeUndefined()
  })

  test.each([
    ['last December in January', '2026-12-30T10:20:00Z', '2027-01-02T00:00:00Z', '2026-12-30T10:20:00Z'],
    ['this moment', '2027-01-02T10:20:00Z', '2027-01-02T10:20:30Z', '2027-01-02T10:20:00Z'],
    ['an hour ahead, by another zone', '2027-01-02T11:20:00Z', '2027-01-02T10:20:30Z', '2027-01-02T11:20:00Z'],
    [
      'the first of January, seen on the last of December',
      '2027-01-01T00:10:00Z',
      '2026-12-31T23:50:00Z',
      '2027-01-01T00:10:00Z',
    ],
    ['two days ahead is a year ago', '2027-01-04T11:20:00Z', '2027-01-02T10:20:30Z', '2026-01-04T11:20:00Z'],
    ['a leap day', '2024-02-29T11:20:00Z', '2024-03-05T10:20:30Z', '2024-02-29T11:20:00Z'],
  ])('without a year take the nearest that is not more than a day ahead: %s', async (_title, when, now, expected) => {
    await using place = await startPlace({ without: ['MLST', 'MLSD', 'MDTM'], now: () => new Date(when) })
    place.server.put('folder/a', 'bytes', new Date(when))
    vi.useFakeTimers({ toFake: ['Date'], now: new Date(now) })
    try {
      const [entry] = await all(place.files.entries('folder'))
      expect(entry?.modifiedAt).toEqual(new Date(expected))
    } finally {
      vi.useRealTimers()
    }
  })
})
