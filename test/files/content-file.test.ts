import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { asContent, toContent } from '../../src/core/content.ts'
import { ContentFile } from '../../src/files/content-file.ts'
import { all } from './helpers.ts'

describe('ContentFile', () => {
  test('size and chunks (60, 61)', async () => {
    const file = new ContentFile('content')
    expect(await file.size()).toBe(7)
    expect((await all(file.chunks(2))).join('-')).toBe('co-nt-en-t')
    expect([await file.multipleChunks(), await file.multipleChunks(3), await file.multipleChunks(7)]).toEqual([
      false,
      true,
      false,
    ])
  })

  test('size counts code points of text and bytes of bytes (64)', async () => {
    expect(await new ContentFile('é').size()).toBe(1)
    expect(await new ContentFile('😀').size()).toBe(1)
    expect(await new ContentFile(Buffer.from('é')).size()).toBe(2)
    expect(await new ContentFile(new Uint8Array(3)).size()).toBe(3)
  })

  test('is read again after close', async () => {
    const file = new ContentFile('😀é\nb')
    expect([await file.read(2), await file.read(), await file.read()]).toEqual(['😀é', '\nb', ''])
    await file.close()
    expect(file.closed).toBe(false)
    expect(await (await file.open()).readLine()).toBe('😀é\n')
    expect(file.tell()).toBe(3)
    expect(await file.seek(-1, 2)).toBe(3)
    expect(await file.readLines()).toEqual(['b'])
    await expect(file.seek(-1)).rejects.toMatchObject({ code: 'invalid_argument' })
  })

  test('lines', async () => {
    const bytes = new ContentFile(Buffer.from('one\r\ntwo\rthree\nfour'))
    expect((await all(bytes)).map(String)).toEqual(['one\r\n', 'two\r', 'three\n', 'four'])
    expect(await all(new ContentFile('a\x0bb\u2028c\nd'))).toEqual(['a\x0bb\u2028c\n', 'd'])
  })

  test('write', async () => {
    const text = new ContentFile('äbc')
    expect(await text.write('😀x')).toBe(2)
    expect([await text.size(), await (await text.open()).read()]).toEqual([3, '😀xc'])
    await text.seek(5)
    await text.write('z')
    expect(await (await text.open()).read()).toBe('😀xc\0\0z')
    const bytes = new ContentFile(Buffer.from('abc'))
    await bytes.seek(2)
    expect(await bytes.write(Buffer.from('XY'))).toBe(2)
    await bytes.seek(6)
    await bytes.write(Buffer.from('Z'))
    expect((await (await bytes.open()).read()).toString()).toBe('abXY\0\0Z')
    await expect(text.write(Buffer.from('a') as never)).rejects.toMatchObject({ code: 'invalid_argument' })
    await expect(bytes.write('a' as never)).rejects.toMatchObject({ code: 'invalid_argument' })
  })

  test('is content for save, from its beginning', async () => {
    const file = new ContentFile('né', 'n.txt')
    await file.read(1)
    expect(toContent(file)).toMatchObject({ size: 3, replayable: true, name: 'n.txt', bytes: Buffer.from('né') })
    expect(file[asContent]().size).toBe(3)
    expect(file.tell()).toBe(1)
    expect(() => new ContentFile(5 as never)).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
  })

  test('its text', () => {
    expect([inspect(new ContentFile('x')), inspect(new ContentFile('x', 'a.txt'))]).toEqual([
      '<ContentFile: Raw content>',
      '<ContentFile: a.txt>',
    ])
    expect([String(new ContentFile('x')), new ContentFile('x').name]).toEqual(['Raw content', null])
  })
})
