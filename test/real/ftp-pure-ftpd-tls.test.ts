import { afterAll } from 'vitest'
import { startPureFtpd } from '../servers/pure-ftpd.ts'
import { describeFtp } from './ftp.ts'

const server = await startPureFtpd({ tls: 'explicit' })
afterAll(() => server.close(), 60_000)

// The server loses a blank at the end of a name.
describeFtp('pure-ftpd over TLS', server, { refusedNames: [' leading and trailing ', 'trailing '] })
