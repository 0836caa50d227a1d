/** The FTP servers die in the middle of transfers. */
import { afterAll, describe } from 'vitest'
import { startProftpd } from '../servers/proftpd.ts'
import { startPureFtpd } from '../servers/pure-ftpd.ts'
import { startVsftpd } from '../servers/vsftpd.ts'
import { describeKills } from './file-server.ts'
import { ftpPlace } from './places/ftp.ts'

const servers = {
  vsftpd: await startVsftpd(),
  'vsftpd over TLS that must be resumed': await startVsftpd({ tls: 'explicit', requireReuse: true }),
  proftpd: await startProftpd(),
  'pure-ftpd over TLS': await startPureFtpd({ tls: 'explicit' }),
}
afterAll(() => Promise.all(Object.values(servers).map(server => server.close())), 60_000)

describe.each(Object.entries(servers))('%s', (_title, server) => describeKills(ftpPlace(server)))
