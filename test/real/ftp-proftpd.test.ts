import { afterAll } from 'vitest'
import { startProftpd } from '../servers/proftpd.ts'
import { describeFtp, describeReuse } from './ftp.ts'

const plain = await startProftpd()
const tls = await startProftpd({ tls: 'explicit' })
const implicit = await startProftpd({ tls: 'implicit' })
const old = await startProftpd({ tls: 'explicit', lines: ['TLSProtocol TLSv1.2'] })
afterAll(() => Promise.all([plain, tls, implicit, old].map(server => server.close())), 60_000)

/** The server makes no folder with a star in its name. */
const refusedFolders = ['star*', '[ab]*', '~tilde!bang*star$dollar^caret`tick|pipe']

describeFtp('proftpd', plain, { refusedFolders })
describeFtp('proftpd over TLS', tls, { refusedFolders })
describeReuse('explicit', tls)
describeReuse('implicit', implicit)
describeReuse('version 1.2', old)
