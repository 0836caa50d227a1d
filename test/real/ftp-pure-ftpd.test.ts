import { afterAll, expect, test } from 'vitest'
import { startPureFtpd } from '../servers/pure-ftpd.ts'
import { keysOf } from './backend.ts'
import { describeFtp } from './ftp.ts'
import { ftpStorage } from './places/ftp.ts'

const plain = await startPureFtpd()
const short = await startPureFtpd({ listed: 20 })
afterAll(() => Promise.all([plain, short].map(server => server.close())), 60_000)

/** The server loses a blank at the end of a name. */
const refusedNames = [' leading and trailing ', 'trailing ']

describeFtp('pure-ftpd', plain, { refusedNames })

test('a listing that the server cuts short is an error, for what deletes by it, too', async () => {
  await using files = ftpStorage(short)
  for (let at = 0; at < 25; at++) await files.save(`many/${at}`, 'x')
  for (const call of [() => files.listdir('many'), () => keysOf(files)]) {
    await expect(call()).rejects.toMatchObject({ name: 'StorageError', message: expect.stringMatching(/20|truncat/) })
  }
  expect(await files.exists('many/7')).toBe(true)
})
