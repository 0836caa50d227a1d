/** The control connection to the FTP servers is cut, over TLS. */
import { afterAll, describe } from 'vitest'
import { startPureFtpd } from '../servers/pure-ftpd.ts'
import { startVsftpd } from '../servers/vsftpd.ts'
import { describeCuts } from './cuts.ts'
import { ftpPlace } from './places/ftp.ts'

const servers = {
  'vsftpd, whose sessions must be resumed': await startVsftpd({ tls: 'explicit', requireReuse: true }),
  'pure-ftpd': await startPureFtpd({ tls: 'explicit' }),
}
afterAll(() => Promise.all(Object.values(servers).map(server => server.close())), 60_000)

describe.each(Object.entries(servers))('%s', (_title, server) =>
  describeCuts(ftpPlace(server), { ends: 5, apart: 40, between: 5, margin: 8, whole: true }),
)
