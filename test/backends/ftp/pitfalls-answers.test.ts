/** Pitfalls of FTP: what a refusal means, and renaming onto a file. */
import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import type { FtpFault } from '../../servers/ftp.ts'
import { type Place, startPlace } from './support.ts'

const ALWAYS = Number.POSITIVE_INFINITY

/** A server without MLST, MLSD, or any text of use in its 550. */
const terse = { terse: true, without: ['MLST', 'MLSD'] } as const

function refuseAlways(place: Place, operations: readonly string[], status = 550, key?: string): void {
  const fault: FtpFault = { do: 'refuse', status, body: 'Requested action not taken.' }
  for (const operation of operations) place.server.faults.add({ operation, times: ALWAYS, fault, ...(key && { key }) })
}

describe('ftp-7: a 550 means missing only where the listing lacks the file, or the text says so', () => {
  test.each([
    ['that says little', terse],
    ['that tells', {}],
    ['that lists in the form of DOS', { ...terse, listing: 'dos' }],
  ] as const)('a file that is missing, at a server %s', async (_title, manners) => {
    await using place = await startPlace(manners, { maxAttempts: 1 })
    place.server.put('folder/there', 'bytes')
    for (const name of ['none', 'folder/none', 'no folder/none', 'folder/there/below']) {
      expect(await place.files.exists(name), name).toBe(false)
      await expect(place.files.open(name, 'rb'), name).rejects.toMatchObject({ code: 'not_found' })
      await expect(place.files.size(name), name).rejects.toMatchObject({ code: 'not_found' })
      await expect(place.files.stat(name), name).rejects.toMatchObject({ code: 'not_found' })
      await place.files.delete(name)
    }
    expect(await place.files.exists('folder/there')).toBe(true)
    expect(place.server.read('folder/there')?.toString()).toBe('bytes')
  })

  test('a file that may not be read is permission_denied', async () => {
    await using place = await startPlace(terse, { maxAttempts: 1 })
    place.server.put('folder/secret', 'bytes')
    refuseAlways(place, ['RETR'])
    await expect(place.files.readText('folder/secret')).rejects.toMatchObject({
      code: 'permission_denied',
      status: 550,
    })
    await expect(place.files.readText('folder/none')).rejects.toMatchObject({ code: 'not_found' })
    refuseAlways(place, ['DELE'])
    await expect(place.files.delete('folder/secret')).rejects.toMatchObject({ code: 'permission_denied' })
    expect(place.server.read('folder/secret')?.toString()).toBe('bytes')
  })

  test('a folder that may not be entered is permission_denied, and none of its files is missing', async () => {
    await using place = await startPlace(terse, { maxAttempts: 1 })
    place.server.put('locked/file', 'bytes')
    refuseAlways(place, ['CWD'], 550, '/locked')
    refuseAlways(place, ['SIZE', 'RETR'], 550, '/locked/file')
    await expect(place.files.listdir('locked')).rejects.toMatchObject({ code: 'permission_denied' })
    await expect(place.files.exists('locked/file')).rejects.toMatchObject({ code: 'permission_denied' })
    await expect(place.files.readText('locked/file')).rejects.toMatchObject({ code: 'permission_denied' })
    expect((await place.files.listdir(''))[0]).toEqual(['locked'])
  })

  test('a folder where nothing may be written is permission_denied', async () => {
    await using place = await startPlace(terse, { maxAttempts: 1 })
    place.server.put('locked/file', 'bytes')
    refuseAlways(place, ['STOR', 'MKD'])
    await expect(place.files.save('locked/new', 'x')).rejects.toMatchObject({
      code: 'permission_denied',
      outcome: 'not_applied',
    })
    await expect(place.files.save('new folder/new', 'x')).rejects.toMatchObject({ code: 'permission_denied' })
    expect([place.server.files(), place.server.folders()]).toEqual([['locked/file'], ['locked']])
  })

  const optional = [
    'MDTM',
    'PWD',
    'FEAT',
    'SYST',
    'OPTS',
    'MLST',
    'MLSD',
    'MFMT',
    'STRU',
    'MODE',
    'ALLO',
    'NOOP',
    'STAT',
  ]
  test.each([
    ['502', 502],
    ['500', 500],
    ['504', 504],
    ['550', 550],
  ] as const)('refused optional commands never make a call fail: %s', async (_title, status) => {
    await using place = await startPlace()
    refuseAlways(place, optional, status)
    await place.files.save('folder/a b', 'bytes')
    expect(await place.files.readText('folder/a b')).toBe('bytes')
    expect(await place.files.size('folder/a b')).toBe(5)
    expect(await place.files.exists('folder/a b')).toBe(true)
    expect(await place.files.exists('folder/none')).toBe(false)
    expect(await place.files.listdir('folder')).toEqual([[], ['a b']])
    await place.files.move('folder/a b', 'other/b')
    await place.files.delete('other/b')
    expect(place.server.files()).toEqual([])
  })

  test('without SIZE the listing tells the size, and an upload is believed', async () => {
    await using place = await startPlace({ without: ['SIZE', 'MLST', 'MDTM'] })
    await place.files.save('folder/a', 'bytes')
    expect(await place.files.size('folder/a')).toBe(5)
    expect(await place.files.readText('folder/a')).toBe('bytes')
    await expect(place.files.size('folder/b')).rejects.toMatchObject({ code: 'not_found' })
    await expect(place.files.size('none/b')).rejects.toMatchObject({ code: 'not_found' })
  })
})

describe.each(['refuses', 'ignores'] as const)('ftp-15: a server that %s to rename onto a file', renameOnto => {
  test('has the new file when overwriting was asked for, and nothing else', async () => {
    await using place = await startPlace({ renameOnto })
    place.server.put('folder/a', 'old')
    await place.files.save('folder/a', 'new', { overwrite: true })
    expect(place.server.read('folder/a')?.toString()).toBe('new')
    expect(place.server.files()).toEqual(['folder/a'])
    await place.files.save('folder/b', 'other')
    await place.files.move('folder/b', 'folder/a', { overwrite: true })
    await place.files.edit('folder/a', 'a', file => file.write(' and more'))
    expect(place.server.read('folder/a')?.toString()).toBe('other and more')
    expect(place.server.files()).toEqual(['folder/a'])
  })

  test('keeps the old file when it was not', async () => {
    await using place = await startPlace({ renameOnto })
    place.server.put('a', 'old')
    expect(await place.files.save('a', 'new')).not.toBe('a')
    expect(place.server.read('a')?.toString()).toBe('old')
    // A rival who comes between the question and the rename.
    place.server.faults.add({
      operation: 'STOR',
      fault: { do: 'hold', at: 'after', until: Promise.resolve(), onHold: () => place.server.put('b', 'rival') },
    })
    const name = await place.files.save('b', 'mine')
    expect([name === 'b', place.server.read('b')?.toString()]).toEqual([false, 'rival'])
    expect(place.server.read(name)?.toString()).toBe('mine')
    expect(place.server.files().filter(file => file.includes('.holdall'))).toEqual([])
  })

  /** Every command after the upload, one after another, refused or lost, before or after its work. */
  const faults: readonly (readonly [string, FtpFault])[] = [
    ['refused', { do: 'refuse', status: 550 }],
    ['refused for a while', { do: 'refuse', status: 450 }],
    ['lost before its work', { do: 'drop' }],
    ['lost after its work', { do: 'drop', at: 'after' }],
  ]

  test.each(faults)('has the old or the new content after a failure at each step: %s', async (_title, fault) => {
    for (let step = 1; ; step++) {
      await using place = await startPlace({ renameOnto }, { maxAttempts: 1, poolSize: 1 })
      place.server.put('a', 'old')
      let after = 0
      let isHit = false
      const match = (): boolean => {
        const isStored = place.server.commands('STOR').length > 0
        isHit ||= isStored && after + 1 === step
        return isStored && ++after === step
      }
      for (const operation of ['SIZE', 'RNFR', 'RNTO', 'DELE', 'MLST', 'CWD', 'PWD', 'MLSD', 'LIST']) {
        place.server.faults.add({ operation, match, fault })
      }
      const saved = await place.files.save('a', 'new', { overwrite: true }).then(
        () => 'saved',
        error => error,
      )
      place.server.faults.clear()
      const where = `step ${step} of ${place.server.commands().slice(5).join(', ')}`
      const content = place.server.read('a')?.toString()
      if (saved === 'saved') expect(content, where).toBe('new')
      else {
        expect(saved, where).toMatchObject({ code: expect.any(String) })
        expect(content, `${where}: ${saved}`).toMatch(/^(old|new)$/)
        if (content === 'new') expect(saved.outcome, where).not.toBe('not_applied')
      }
      // The next call works, and clears away what the last one left.
      expect(await place.files.readText('a'), where).toBe(content)
      expect(place.server.files(), where).toEqual(['a'])
      if (!isHit) break
      expect(step).toBeLessThan(40)
    }
  })
})

test('ftp-15: the documentation says that a file is not replaced in one step on servers that refuse to', async () => {
  const text = await readFile(new URL('../../../docs/backends/ftp.md', import.meta.url), 'utf8')
  const [, told = ''] = text.split('**Not atomic:**')
  expect(told).toMatch(/Replacing a file, on servers whose rename does not replace.*For a moment the name is missing/s)
})

test.each([{}, { without: ['MLST', 'MLSD'], terse: true }] as const)(
  'a server that takes nothing but RNTO after RNFR (ProFTPD): %j',
  async manners => {
    await using place = await startPlace({ ...manners, renamesAtOnce: true }, { maxAttempts: 1, poolSize: 1 })
    place.server.put('folder/a', 'old')
    refuseAlways(place, ['RETR'], 550, '/folder/a')
    await expect(place.files.readText('folder/a')).rejects.toMatchObject({ code: 'permission_denied' })
    place.server.faults.clear()
    expect(await place.files.readText('folder/a')).toBe('old')
    // A rival who comes during the upload is seen when RNFR has been sent.
    place.server.faults.add({
      operation: 'STOR',
      fault: { do: 'hold', at: 'after', until: Promise.resolve(), onHold: () => place.server.put('b', 'rival') },
    })
    const name = await place.files.save('b', 'mine')
    expect(name).not.toBe('b')
    await place.files.save('folder/a', 'new', { overwrite: true })
    expect(place.server.files().sort()).toEqual([name, 'b', 'folder/a'].sort())
  },
)

test('commands that do not depend on each other go together, and a server that loses them is asked one by one', async () => {
  await using place = await startPlace({ packed: 'lost', without: ['MLST', 'MLSD'] }, { poolSize: 1 })
  await place.files.save('a', 'bytes')
  await place.files.save('a', 'other', { overwrite: true })
  expect(await place.files.readText('a')).toBe('other')
  // It was found out at the first login, whose connection was given up.
  expect(place.server.commands('PASS')).toHaveLength(2)
  expect(place.server.files()).toEqual(['a'])
})

test('a server that is known to lose commands is not tried', async () => {
  await using place = await startPlace({ packed: 'lost', greeting: '220 Microsoft FTP Service' }, { poolSize: 1 })
  await place.files.save('a', 'bytes')
  expect(await place.files.readText('a')).toBe('bytes')
  expect(place.server.commands('PASS')).toHaveLength(1)
})

test('a save and a read take as few commands as they can', async () => {
  await using place = await startPlace({ without: ['MLST', 'MLSD'] }, { poolSize: 1 })
  place.server.put('b', 'old')
  await place.files.save('b', 'newer', { overwrite: true })
  const verbs = (from: number): string[] =>
    place.server
      .commands()
      .slice(from)
      .map(line => line.split(' ')[0]!)
  let from = place.server.commands().length
  await place.files.save('a', 'bytes', { overwrite: true })
  expect(verbs(from)).toEqual(['EPSV', 'STOR', 'SIZE', 'RNFR', 'RNTO', 'SIZE'])
  from = place.server.commands().length
  await place.files.readText('a')
  expect(verbs(from)).toEqual(['SIZE', 'MDTM', 'EPSV', 'RETR'])
})

test('ftp-15: a rename that says 250 and moves nothing at all is never taken for one', async () => {
  await using place = await startPlace({}, { maxAttempts: 1 })
  place.server.faults.add({
    operation: 'RNTO',
    times: ALWAYS,
    fault: { do: 'lie', at: 'before', reply: () => '250 Done.' },
  })
  await expect(place.files.save('a', 'new')).rejects.toMatchObject({
    code: expect.stringMatching(/unknown|unavailable/),
  })
  expect(place.server.files()).toEqual([])
})
