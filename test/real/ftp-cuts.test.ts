/** The control connection to the FTP servers is cut. */
import { afterAll, describe } from 'vitest'
import { startProftpd } from '../servers/proftpd.ts'
import { startVsftpd } from '../servers/vsftpd.ts'
import { describeCuts } from './cuts.ts'
import { ftpPlace } from './places/ftp.ts'

const servers = { vsftpd: await startVsftpd(), proftpd: await startProftpd() }
afterAll(() => Promise.all(Object.values(servers).map(server => server.close())), 60_000)

describe.each(Object.entries(servers))('%s', (title, server) => {
  // ProFTPD lets half a second pass before it takes the next client.
  const ends = title === 'proftpd' ? 2 : 5
  describeCuts(ftpPlace(server), { ends, apart: 40, between: ends, margin: 8, whole: true })
})
