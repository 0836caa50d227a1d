// Saves one wanted name so many times, taking another name whenever it is taken.
import { bytesContent } from '../../../src/core/content.ts'
import { ctx, localDriver } from './fixture.ts'

const [location, who, times] = process.argv.slice(2) as [string, string, string]
const driver = localDriver(location)
for (let round = 0; round < Number(times); round++) {
  const content = bytesContent(Buffer.from(`${who}/${round}/`.padEnd(5000, who)))
  for (let tries = 0; ; tries++) {
    const name = tries === 0 ? 'folder/same.txt' : `folder/same_${Math.floor(Math.random() * 1200)}.txt`
    try {
      await driver.write(name, content, { ifAbsent: true }, ctx)
      break
    } catch (error) {
      if (driver.classify(error) !== 'exists') throw error
    }
  }
}
