// Writes versions of one file until it is killed; each version is one letter all through.
import { bytesContent, streamContent } from '../../../src/core/content.ts'
import { ctx, localDriver } from './fixture.ts'

const driver = localDriver(process.argv[2]!, { keepMetadata: process.argv[3] === 'metadata' })
process.stdout.write('ready\n')
for (let version = 0; ; version++) {
  const letter = String.fromCharCode(97 + (version % 26))
  const bytes = Buffer.alloc(200_000 + (version % 26), letter)
  const pieces = [bytes.subarray(0, 70_000), bytes.subarray(70_000)]
  const content = version % 2 === 0 ? bytesContent(bytes) : streamContent(pieces)
  await driver.write('folder/file.bin', content, { metadata: { letter } }, ctx)
}
