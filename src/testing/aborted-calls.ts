import { buffer } from 'node:stream/consumers'
import { finished } from 'node:stream/promises'
import type { StorageFile } from '../files/storage-file.ts'
import type { Storage } from '../storage/storage.ts'

/** One call of each public method of a storage that takes a signal, by the method's name; `file` is a file that exists. */
export const storageCalls: Readonly<Record<string, (storage: Storage, signal: AbortSignal) => Promise<unknown>>> = {
  open: (storage, signal) => storage.open('file', 'rb', { signal }),
  'open for writing': (storage, signal) => storage.open('file', 'wb', { signal }),
  'open for appending': (storage, signal) => storage.open('file', 'a', { signal }),
  'open for creating': (storage, signal) => storage.open('new', 'x', { signal }),
  edit: (storage, signal) => storage.edit('file', 'w', file => file.write('changed'), { signal }),
  save: (storage, signal) => storage.save('new', 'text', { signal }),
  'save over': (storage, signal) => storage.save('file', 'changed', { overwrite: true, signal }),
  'save a stream': (storage, signal) => storage.save('new', ['te', 'xt'], { signal }),
  saveJson: (storage, signal) => storage.saveJson('new', {}, { signal }),
  'save if absent': (storage, signal) => storage.save('new', 'text', { ifAbsent: true, signal }),
  delete: (storage, signal) => storage.delete('file', { signal }),
  deleteMany: (storage, signal) => storage.deleteMany(['file'], { signal }),
  deleteAll: (storage, signal) => storage.deleteAll('folder', { signal }),
  'deleteMany of none': (storage, signal) => storage.deleteMany([], { signal }),
  exists: (storage, signal) => storage.exists('file', { signal }),
  'exists of the root': (storage, signal) => storage.exists('', { signal }),
  stat: (storage, signal) => storage.stat('file', { signal }),
  listdir: (storage, signal) => storage.listdir('', { signal }),
  entries: (storage, signal) => storage.entries('', { signal, recursive: true }).next(),
  page: (storage, signal) => storage.page('', { signal }),
  size: (storage, signal) => storage.size('file', { signal }),
  checksum: (storage, signal) => storage.checksum('file', 'sha256', { signal }),
  url: (storage, signal) => storage.url('file', { signal }),
  getModifiedTime: (storage, signal) => storage.getModifiedTime('file', { signal }),
  getCreatedTime: (storage, signal) => storage.getCreatedTime('file', { signal }),
  getAccessedTime: (storage, signal) => storage.getAccessedTime('file', { signal }),
  readBytes: (storage, signal) => storage.readBytes('file', { signal }),
  readText: (storage, signal) => storage.readText('file', { start: 1, end: 1, signal }),
  readJson: (storage, signal) => storage.readJson('file', { signal }),
  webStream: (storage, signal) => storage.webStream('file', { signal }).getReader().read(),
  createReadStream: (storage, signal) => buffer(storage.createReadStream('file', { signal })),
  'createReadStream of nothing': (storage, signal) =>
    buffer(storage.createReadStream('file', { start: 1, end: 1, signal })),
  createWriteStream: (storage, signal) => finished(storage.createWriteStream('file', { signal }).end('changed')),
  copy: (storage, signal) => storage.copy('file', 'new', { signal }),
  'copy over': (storage, signal) => storage.copy('file', 'file', { overwrite: true, signal }),
  move: (storage, signal) => storage.move('file', 'new', { signal }),
  'move onto itself': (storage, signal) => storage.move('file', 'file', { signal }),
  copyAll: (storage, signal) => storage.copyAll('one', 'two', { signal }),
  moveAll: (storage, signal) => storage.moveAll('one', 'two', { signal }),
  createContainer: (storage, signal) => storage.createContainer({ signal }),
  sweep: (storage, signal) => storage.sweep({ signal }),
  discover: (storage, signal) => storage.discover({ signal }),
  getAvailableName: (storage, signal) => storage.getAvailableName('file', { signal }),
  'getAvailableName for overwriting': (storage, signal) =>
    storage.getAvailableName('file', { overwrite: true, signal }),
  isNameAvailable: (storage, signal) => storage.isNameAvailable('file', { signal }),
}

/** One call of each public method of an open file that takes a signal, by the method's name. `close` comes last. */
export const fileCalls: Readonly<Record<string, (file: StorageFile<'r+'>, signal: AbortSignal) => Promise<unknown>>> = {
  size: (file, signal) => file.size({ signal }),
  read: (file, signal) => file.read(1, { signal }),
  readLine: (file, signal) => file.readLine({ signal }),
  readLines: (file, signal) => file.readLines({ signal }),
  chunks: (file, signal) => file.chunks(1, { signal }).next(),
  multipleChunks: (file, signal) => file.multipleChunks(1, { signal }),
  seek: (file, signal) => file.seek(1, 0, { signal }),
  write: (file, signal) => file.write('changed', { signal }),
  writeLines: (file, signal) => file.writeLines(['changed'], { signal }),
  truncate: (file, signal) => file.truncate(0, { signal }),
  stream: (file, signal) => buffer(file.stream({ signal })),
  open: (file, signal) => file.open('r+', { signal }),
  close: (file, signal) => file.close({ signal }),
}
