// Saves and reads a file by a storage that may ask on the terminal, and prints what came of it.
import { SftpStorage } from '../../src/backends/sftp/index.ts'

await using files = new SftpStorage(JSON.parse(process.env['ASKER']!), { settings: {}, env: {} })
try {
  // Both need a connection, and a person is asked once.
  await Promise.all(['a', 'b'].map(name => files.save(name, `content of ${name}`)))
  await using file = await files.open('b', 'r')
  process.stdout.write(`DONE ${await file.read()}\n`)
} catch (error) {
  const { code, message } = error as { code?: string; message: string }
  process.stdout.write(`FAILED ${code}: ${message}\n`)
}
