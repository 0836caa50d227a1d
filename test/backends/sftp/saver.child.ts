// Saves and reads a file and leaves its storage open: the connections that rest must not keep the process alive.
import { SftpStorage } from '../../../src/backends/sftp/index.ts'

const files = new SftpStorage(JSON.parse(process.env['OPTIONS']!), { settings: {}, env: {} })
const name = await files.save('a', 'text')
process.stdout.write(await files.readText(name))
