// Saves one wanted name so many times; the storage finds another name whenever it is taken.
import { LocalStorage } from '../../../src/backends/local/index.ts'

const [location, who, times] = process.argv.slice(2) as [string, string, string]
const storage = new LocalStorage({ location, fsync: false }, { settings: {}, env: {} })
for (let round = 0; round < Number(times); round++) {
  const text = `${who}/${round}/`.padEnd(5000, who)
  await storage.save('folder/same.txt', round % 2 === 0 ? text : [text.slice(0, 2000), text.slice(2000)])
}
