import { afterAll } from 'vitest'
import { startVsftpd } from '../servers/vsftpd.ts'
import { describeFtp, describeReuse } from './ftp.ts'

const plain = await startVsftpd()
const reuse = await startVsftpd({ tls: 'explicit', requireReuse: true })
const implicit = await startVsftpd({ tls: 'implicit', requireReuse: true })
afterAll(() => Promise.all([plain, reuse, implicit].map(server => server.close())), 60_000)

describeFtp('vsftpd', plain)
describeFtp('vsftpd over TLS that must be resumed', reuse)

describeReuse('explicit', reuse)
describeReuse('implicit', implicit)
