/** Reads a file and ends without closing the storage: the connection that rests must not keep the process. */
import { FtpStorage } from '../../../src/backends/ftp/index.ts'

const [location = ''] = process.argv.slice(2)
const files = new FtpStorage({ location, idleSecs: 3600 }, { settings: {}, env: {} })
console.log(await files.readText('a'))
