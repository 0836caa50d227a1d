import { afterAll, expect, test } from 'vitest'
import { startVsftpd } from '../servers/vsftpd.ts'
import { describeFtp, describeReuse } from './ftp.ts'
import { ftpStorage } from './places/ftp.ts'

const plain = await startVsftpd()
const reuse = await startVsftpd({ tls: 'explicit', requireReuse: true })
const implicit = await startVsftpd({ tls: 'implicit', requireReuse: true })
afterAll(() => Promise.all([plain, reuse, implicit].map(server => server.close())), 60_000)

describeFtp('vsftpd', plain)
describeFtp('vsftpd over TLS that must be resumed', reuse)

describeReuse('explicit', reuse)
describeReuse('implicit', implicit)

test('a wrong password is told without it', async () => {
  await using files = ftpStorage({ ...plain, url: plain.url.replace(/:[^:@]*@/, ':wr%2Fong@'), port: plain.port })
  const error = await files.listdir().catch((reason: unknown) => reason)
  expect(error).toMatchObject({ code: 'permission_denied' })
  expect(String((error as Error).stack)).not.toMatch(/wr(%2F|\/)ong/)
})
