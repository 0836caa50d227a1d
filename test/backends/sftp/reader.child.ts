// Reads and writes many files at once in all ways while its server dies; prints the code of each call. An uncaught error ends it otherwise.
import { SftpStorage } from '../../../src/backends/sftp/index.ts'

const files = new SftpStorage(JSON.parse(process.env['OPTIONS']!), { settings: {}, env: {} })

async function streamed(): Promise<void> {
  for await (const _ of files.createReadStream('large'));
}
async function handled(): Promise<void> {
  await using file = await files.open('large', 'rb')
  while ((await file.read(50_000)).length > 0);
}
async function listed(): Promise<void> {
  for (;;) for await (const _ of files.entries(''));
}
async function written(): Promise<void> {
  for (let count = 0; ; count++) await files.save(`new/${count}`, Buffer.alloc(300_000), { overwrite: true })
}
/** Leaves its stream alone after the first bytes. */
async function left(): Promise<void> {
  const stream = files.createReadStream('large')
  await new Promise((resolve, reject) => stream.once('data', resolve).once('error', reject))
  stream.pause()
  await written()
}

const calls = [streamed, streamed, handled, handled, listed, written, left]
process.stdout.write('ready\n')
const codes = await Promise.all(
  calls.map(call =>
    call().then(
      () => 'done',
      error => error.code ?? String(error),
    ),
  ),
)
process.stdout.write(`${JSON.stringify(codes)}\n`)
await files.close()
