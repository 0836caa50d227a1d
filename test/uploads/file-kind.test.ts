import { expect, test } from 'vitest'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { clientName } from '../../src/uploads/client-name.ts'
import { fileKind } from '../../src/uploads/file-kind.ts'

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')
/** The beginning of a ZIP archive whose first file has this name. */
const zip = (name: string): Buffer => {
  const head = Buffer.alloc(30)
  head.write('PK\x03\x04', 'latin1')
  head.writeUInt16LE(20, 4)
  head.writeUInt32LE(5, 18)
  head.writeUInt32LE(5, 22)
  head.writeUInt16LE(name.length, 26)
  return Buffer.concat([head, latin1(name), latin1('hello')])
}
const DOCX = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'
const cfb = Buffer.concat([Buffer.from('d0cf11e0a1b11ae1', 'hex'), Buffer.alloc(600)])
const mp4 = Buffer.concat([Buffer.from('00000018', 'hex'), latin1('ftypmp42'), Buffer.alloc(16), latin1('free')])

test.each<[name: string, head: Uint8Array, type: string]>([
  // Formats in containers, of which the first bytes show the container only.
  ['a.docx', zip('word/x'), DOCX],
  ['a.docx', zip('[Content_Types].xml'), DOCX],
  ['a.zip', zip('a.txt'), 'application/zip'],
  ['a.jar', zip('a.txt'), 'application/java-archive'],
  ['a.doc', cfb, 'application/msword'],
  ['a.xls', cfb, 'application/vnd.ms-excel'],
  ['a.mp4', mp4, 'video/mp4'],
  ['a.m4a', mp4, 'audio/mp4'],
  ['a.gz', Buffer.from('1f8b0800000000000003', 'hex'), 'application/gzip'],
  ['a.css.gz', Buffer.from('1f8b0800000000000003', 'hex'), 'application/gzip'],
  ['a.wav', Buffer.concat([latin1('RIFF\x24\0\0\0WAVEfmt '), Buffer.alloc(20)]), 'audio/wav'],
  // Types that no signature shows, of binary files.
  ['a.bin', Buffer.from([1, 2, 3]), 'application/octet-stream'],
  ['a.stl', Buffer.from([1, 2, 3]), 'model/stl'],
  ['a.unknown', latin1('text'), 'application/octet-stream'],
  // Names and bytes that disagree.
  ['a.png', zip('a.txt'), 'application/octet-stream'],
  ['a.docx', latin1('%PDF-1.7\n%'), 'application/octet-stream'],
  ['a.png', latin1('<?xml version="1.0"?><x/>'), 'application/octet-stream'],
  ['a', latin1('<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>'), 'application/octet-stream'],
  // Text of any encoding.
  ['a.txt', Buffer.from('\ufefftext', 'utf16le'), 'text/plain'],
  ['a.md', latin1('# title'), 'text/markdown'],
  ['a.xml', latin1('\xef\xbb\xbf <a/>'), 'text/xml'],
  ['a.xml', latin1('no xml'), 'application/octet-stream'],
  ['a.json', latin1('[1]'), 'application/json'],
  ['a.json', latin1('<html>'), 'application/octet-stream'],
])('%s with its bytes is %s', async (name, head, type) => {
  const kind = await fileKind(name, head, undefined)
  expect({ ...kind, contentType: kind.contentType.replace('application/xml', 'text/xml') }).toEqual({
    contentType: type,
    refusal: undefined,
  })
})

test.each<[name: string, head: Uint8Array, allow: string[], refusal: string | undefined]>([
  ['a.docx', zip('word/x'), [DOCX], undefined],
  ['a.doc', cfb, ['application/msword'], undefined],
  ['a.zip', zip('a'), [DOCX], 'its name is of application/zip'],
  ['a.docx', latin1('text'), [DOCX], 'its content is of no known type'],
  ['a.png', latin1('%PDF-1.7\n%'), ['image/png'], 'its content is application/pdf'],
  ['a.m4a', mp4, ['audio/x-m4a'], undefined],
  ['a.mp3', latin1('ID3\x03\0\0\0\0\x7f\x7f'), ['audio/*'], undefined],
  ['a.doc', Buffer.from([1, 2, 3]), ['application/msword'], 'its content is of no known type'],
  ['a.rar', Buffer.from([1, 2, 3]), ['application/vnd.rar'], 'its content is of no known type'],
  ['a.rar', latin1('Rar!\x1a\x07\x01\0'), ['application/vnd.rar'], undefined],
  ['a.avi', latin1('RIFF\0\0\0\x7fAVI LIST'), ['video/*'], undefined],
  ['a.ico', Buffer.from('00000100', 'hex'), ['image/x-icon'], undefined],
  ['a.stl', Buffer.from([1, 2, 3]), ['model/stl'], undefined],
  ['a.tif', latin1('II*\0\0\0\x10\0'), ['image/tiff'], undefined],
  ['a.wmv', Buffer.from('3026b2758e66cf11a6d900aa0062ce6c', 'hex'), ['video/*'], undefined],
])('%s is allowed, or refused because of what it is', async (name, head, allow, refusal) => {
  expect((await fileKind(name, head, allow)).refusal).toBe(refusal)
})

test('names of clients become valid, short and visible ones', () => {
  const storage = new MemoryStorage()
  const name = (given: string): string => clientName(storage, given)
  expect(['../../a b.png', 'C:\\x\\y.png', '...', '', '.env', ' .x', '🎉.png', 'a/'].map(name)).toEqual([
    'a_b.png',
    'y.png',
    'file',
    'file',
    'env',
    'x',
    'png',
    'file',
  ])
  const long = name(`${'日'.repeat(300)}.tar.gz`)
  expect([Buffer.byteLength(long) <= 200, long.endsWith('日.tar.gz')]).toEqual([true, true])
  expect(Buffer.byteLength(name(`a.${'b'.repeat(300)}`))).toBe(200)
})
