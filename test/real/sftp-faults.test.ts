/** OpenSSH's server dies in the middle of transfers, or the connection to it is cut. */
import { afterAll } from 'vitest'
import { startSshd } from '../servers/sshd.ts'
import { describeCuts } from './cuts.ts'
import { describeKills } from './file-server.ts'
import { sshdPlace } from './places/sshd.ts'

const server = await startSshd()
afterAll(() => server.close(), 60_000)

describeKills(sshdPlace(server))
describeCuts(sshdPlace(server), { ends: 6, apart: 300, between: 6, margin: 200 })
