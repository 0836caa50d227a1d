/** OpenSSH's server dies in the middle of transfers. */
import { afterAll } from 'vitest'
import { startSshd } from '../servers/sshd.ts'
import { describeKills } from './file-server.ts'
import { sshdPlace } from './places/sshd.ts'

const server = await startSshd()
afterAll(() => server.close(), 60_000)

describeKills(sshdPlace(server))
