/** The FTP servers die in the middle of transfers, or their control connection is cut. */
import { afterAll, describe } from 'vitest'
import { startProftpd } from '../servers/proftpd.ts'
import { startPureFtpd } from '../servers/pure-ftpd.ts'
import { startVsftpd } from '../servers/vsftpd.ts'
import { describeCuts } from './cuts.ts'
import { describeKills } from './file-server.ts'
import { ftpPlace } from './places/ftp.ts'

const servers = {
  vsftpd: await startVsftpd(),
  'vsftpd over TLS that must be resumed': await startVsftpd({ tls: 'explicit', requireReuse: true }),
  proftpd: await startProftpd(),
  'pure-ftpd over TLS': await startPureFtpd({ tls: 'explicit' }),
}
afterAll(() => Promise.all(Object.values(servers).map(server => server.close())), 60_000)

describe.each(Object.entries(servers))('%s', (_title, server) => {
  describeKills(ftpPlace(server))
  describeCuts(ftpPlace(server), { ends: 6, apart: 40, between: 6, margin: 8, whole: true })
})
