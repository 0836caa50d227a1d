import { isStorageError } from 'holdall'

const PNG = Buffer.from('89504e470d0a1a0a', 'hex')

/** Saves and reads a text and a picture. */
export async function saved(storage) {
  const names = [await storage.save('in/a.txt', 'text'), await storage.save('in/b.png', PNG)]
  const types = []
  for (const name of names) types.push((await storage.stat(name)).contentType)
  const file = await storage.open('in/b.png')
  const bytes = (await file.read()).toString('hex')
  await file.close()
  const listed = []
  for await (const entry of storage.entries('in')) listed.push(entry.name)
  const missing = await storage.stat('none').catch(error => isStorageError(error) && error.code)
  return { types, bytes, listed, missing }
}
