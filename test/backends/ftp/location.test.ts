import { describe, expect, test } from 'vitest'
import { parseLocation, shownLocation } from '../../../src/backends/ftp/location.ts'

describe('the URL of a server', () => {
  test.each([
    ['ftp://u:p@h:21/x/y', { scheme: 'ftp', user: 'u', password: 'p', host: 'h', port: 21, folders: ['x', 'y'] }],
    // The manual's own example, which has no slash at its end.
    ['ftp://u:p@h:2121', { host: 'h', port: 2121, folders: [], isAbsolute: true }],
    ['aftp://u:p@h:21/', { scheme: 'aftp', folders: [], isAbsolute: true }],
    ['FTPS://u:p@Host.Example/a', { scheme: 'ftps', host: 'host.example', port: undefined, folders: ['a'] }],
    ['ftp://h', { user: 'anonymous', password: 'anonymous@', host: 'h', port: undefined }],
    ['ftp://u@h/', { user: 'u', password: '' }],
    ['ftp://u:p@[::1]:2121/a', { host: '::1', port: 2121, folders: ['a'] }],
    ['ftp://u:p@[fe80::1%25eth0]/a', { host: 'fe80::1%eth0' }],
    ['ftp://u:p@h/%2Fsrv/files', { folders: ['srv', 'files'], isAbsolute: true }],
    ['ftp://u:p@h//srv', { folders: ['srv'], isAbsolute: true }],
    ['ftp://u:p@h/a%20b/%C3%A9//./c/', { folders: ['a b', 'é', 'c'], isAbsolute: false }],
    ['ftp://u:p@h/a@b:c', { host: 'h', folders: ['a@b:c'] }],
  ] as const)('%s', (url, expected) => {
    expect(parseLocation(url)).toMatchObject(expected)
  })

  // Row 214.
  test.each([
    ['pa:ss', 'pa:ss'],
    ['p@ss@', 'p@ss@'],
    ['p#s?s', 'p#s?s'],
    ['%3A', ':'],
    ['%2Fslash%40%25', '/slash@%'],
    ['100%', '100%'],
    ['%zz%C3%A9', '%zzé'],
    [' a b ', ' a b '],
  ])('has the password %s', (written, password) => {
    expect(parseLocation(`ftp://user:${written}@host:21/`)).toMatchObject({ user: 'user', password, host: 'host' })
  })

  test('has a user with an encoded colon', () => {
    expect(parseLocation('ftp://do%3Amain:p@h')).toMatchObject({ user: 'do:main', password: 'p' })
  })

  test.each(['http://u:p@h:21/', 'sftp://u:p@h/', 'file:///x'])('of another scheme is refused: %s', url => {
    expect(() => parseLocation(url)).toThrow('Only ftp, aftp, ftps schemes supported')
  })

  test.each([
    'no url',
    'ftp:/u:secret@h',
    'ftp://',
    'ftp://u:secret@',
    'ftp://u:secret@:21/',
    'ftp://u:secret@h:port/',
    'ftp://u:secret@h:0/',
    'ftp://u:secret@h:65536/',
    'ftp://:secret@h/',
    'ftp://u:secret@a b/',
    'ftp://u:secret@[::1/',
    'ftp://u:secret@h/a/../b',
    'ftp://u:secret%0D%0ADELE%20x@h/',
    'ftp://u%0A:secret@h/',
    'ftp://u:secret@h/a%0Db',
    'ftp://u:secret@h/a%00',
    'ftp://u:secret%FF@h/',
  ])('that is none is refused, and not shown: %s', url => {
    let message = ''
    try {
      parseLocation(url)
    } catch (error) {
      message = (error as Error).message
    }
    expect(message).toMatch(/^(Improperly formatted location URL|Only ftp)/)
    expect(message).not.toContain('secret')
  })

  test('tells how a slash in a password is written', () => {
    expect(() => parseLocation('ftp://user:se/cret@host:21/')).toThrow("a '/' in the password is written %2F")
  })

  test('is shown without user and password', () => {
    expect(shownLocation('ftps://u:p%40ss@h:990/a b/c')).toBe('ftps://***@h:990/a%20b/c')
    expect(shownLocation('ftp://u:p@[::1]/%2Fsrv')).toBe('ftp://***@[::1]/%2Fsrv')
    expect(shownLocation('ftp://u:p@h')).toBe('ftp://***@h/')
    expect(shownLocation('nothing:of:it')).toBe('***')
  })
})
