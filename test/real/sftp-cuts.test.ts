/** The connection to OpenSSH's server is cut. */
import { afterAll } from 'vitest'
import { startSshd } from '../servers/sshd.ts'
import { describeCuts } from './cuts.ts'
import { sshdPlace } from './places/sshd.ts'

const server = await startSshd()
afterAll(() => server.close(), 60_000)

describeCuts(sshdPlace(server), { ends: 6, apart: 300, between: 6, margin: 200 })
