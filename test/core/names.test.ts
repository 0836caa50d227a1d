import { posix } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  alternativeName,
  cleanName,
  generateFilename,
  getValidName,
  MAX_NAME_LENGTH,
  safeJoin,
  splitName,
  truncateName,
  validateFileName,
} from '../../src/core/names.ts'
import { strftime } from '../../src/core/strftime.ts'
import { filepathToUri, joinUrl } from '../../src/core/urls.ts'

const suspicious = expect.objectContaining({ code: 'suspicious_name' })

describe('cleanName', () => {
  it.each([
    ['path/to/../somewhere', 'path/somewhere'],
    ['path\\to\\somewhere', 'path/to/somewhere'],
    ['.', ''],
    ['./', ''],
    ['', ''],
    ['a/../', ''],
    ['../a', '../a'],
    ['//a', '//a'],
    ['///', '/'],
    ['a//b', 'a/b'],
    ['a/', 'a/'],
    ['a//', 'a/'],
    ['a\\..\\b', 'a/../b'],
    ['/a/b', '/a/b'],
    ['a/../../b', '../b'],
    [' a ', ' a '],
    ['C:\\x', 'C:/x'],
  ])('%j is %j', (name, clean) => {
    expect(cleanName(name)).toBe(clean)
  })
})

describe('normalisation', () => {
  const path = fc.array(fc.constantFrom('..', '.', '', 'a', 'bc', '...', ' ')).map(parts => parts.join('/'))

  it("is Node's for relative paths and for absolute ones", () => {
    fc.assert(
      fc.property(path, name => {
        const normal = posix.normalize(name)
        // posixpath keeps exactly two slashes at the beginning, which Node does not.
        if (!/^\/\/(?!\/)/.test(name)) expect(cleanName(name)).toBe(/^\.\/?$/.test(normal) ? '' : normal)
        else expect(cleanName(name)).toBe(normal === '/' ? '//' : `/${normal}`)
      }),
      { numRuns: 5000 },
    )
  })
})

describe('a name that is too long', () => {
  const given = [
    'a'.repeat(MAX_NAME_LENGTH + 1),
    '../'.repeat(60_000),
    'a/../'.repeat(60_000),
    '/'.repeat(90_000),
    '.'.repeat(90_000),
    ' '.repeat(90_000),
    `a${'\u0301'.repeat(90_000)}`,
  ]
  const uses = {
    cleanName,
    validateFileName,
    getValidName,
    generateFilename,
    safeJoin: (name: string) => safeJoin('base', name),
    'safeJoin of several': (name: string) => safeJoin('', 'a', name),
    'validateFileName of a last part': (name: string) => validateFileName(name, { allowRelativePath: false }),
  }

  it.each(Object.entries(uses))('is refused by %s before it is looked at, and quoted only in part', (_, use) => {
    for (const name of given) {
      const error = thrownBy(() => use(name))
      expect(error).toMatchObject({ code: 'suspicious_name', fileName: `${name.slice(0, 40)}...` })
      expect(error.message).toContain(`${name.length} characters; the longest name allowed has 8192.`)
      expect(error.message.length).toBeLessThan(150)
    }
    expect(() => use('b'.repeat(MAX_NAME_LENGTH))).not.toThrow()
  })

  function thrownBy(run: () => unknown): Error {
    try {
      run()
    } catch (error) {
      return error as Error
    }
    throw new Error('nothing was thrown')
  }
})

describe('safeJoin', () => {
  it.each([
    [['', 'path/./somewhere/../other', '..', '.', 'to/./somewhere'], 'path/to/somewhere'],
    [['base_url', ''], 'base_url/'],
    [['', '.'], ''],
    [['', '/a'], 'a'],
    [['loc', '../loc'], 'loc/'],
    [['loc', 'a/../../loc/b'], 'loc/b'],
    [['loc/', 'a/'], 'loc/a/'],
    [['loc', 'a//b'], 'loc/a/b'],
    [['base', 'a', ''], 'base/a'],
    [['base', 'a/', 'b'], 'base/a/b'],
    [['', 'a/', 'b'], 'a/b'],
    [['', '/a', '/b/'], 'b/'],
    [['base/', 'path/to/', 'somewhere/'], 'base/path/to/somewhere/'],
    [['base', '2017-05-19T14:45:37.123456'], 'base/2017-05-19T14:45:37.123456'],
  ])('%j is %j', ([base, ...paths], key) => {
    expect(safeJoin(base!, ...paths)).toBe(key)
  })

  it.each([
    ['base', '../../../etc/passwd'],
    ['base', '/etc/passwd'],
    ['loc', '../x'],
    ['loc', '..'],
    ['loc', '../locx'],
    ['loc', '../loc2/a'],
    ['', '../a'],
    ['', '..'],
  ])('denies %j, %j', (base, path) => {
    expect(() => safeJoin(base, path)).toThrow(suspicious)
    expect(() => safeJoin(base, path)).toThrow(`Attempted access to '${path}' denied.`)
  })

  it('never leaves its base', () => {
    const part = fc.oneof(fc.constantFrom('..', '.', '', 'a', '/', '\\', 'base'), fc.string())
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), parts => {
        let key: string
        try {
          key = safeJoin('base', cleanName(parts.join('/')))
        } catch (error) {
          expect(error).toMatchObject({ code: 'suspicious_name' })
          return
        }
        expect(key.startsWith('base/')).toBe(true)
        expect(key.split('/')).not.toContain('..')
      }),
      { numRuns: 5000 },
    )
  })
})

describe('file names', () => {
  it('truncates the stem, never folder or suffix', () => {
    expect(truncateName('parent/child.txt', 15)).toBe('parent/chil.txt')
    expect(() => truncateName('parent/child.txt', 11)).toThrow(suspicious)
    expect(() => truncateName('abc.txt', 2)).toThrow(suspicious)
    expect(truncateName('ab.txt', 5)).toBe('a.txt')
    expect(truncateName('a.txt', 5)).toBe('a.txt')
    expect(truncateName('any.txt', undefined)).toBe('any.txt')
    expect(truncateName('a😀😀.txt', 8)).toBe('a😀.txt')
    expect(truncateName('a😀😀.txt', 7)).toBe('a😀.txt')
    expect(truncateName('a😀.txt', 6)).toBe('a.txt')
  })

  it.each([
    ["john's portrait in 2004.jpg", 'johns_portrait_in_2004.jpg'],
    ['a/b', 'ab'],
    ['é ü.txt', 'é_ü.txt'],
    ['-x_.y', '-x_.y'],
  ])('makes %j valid: %j', (name, valid) => {
    expect(getValidName(name)).toBe(valid)
  })

  it.each(['???', '..', '.', ''])('finds nothing valid in %j', name => {
    expect(() => getValidName(name)).toThrow(suspicious)
  })

  it.each([
    ['a\\b.txt', 'a/b.txt'],
    ['a/b c.txt', 'a/b_c.txt'],
    ['./z', 'z'],
    ['/abs/x.txt', '/abs/x.txt'],
    ['/x y.txt', '/x_y.txt'],
    ['x', 'x'],
    ['a/b/./c//d', 'a/b/c/d'],
  ])('generates %j as %j', (name, generated) => {
    expect(generateFilename(name)).toBe(generated)
  })

  it.each(['a/../b.txt', 'd/'])('refuses to generate %j', name => {
    expect(() => generateFilename(name)).toThrow(suspicious)
  })

  it.each(['', '.', '..', 'd/', '../x', 'a/../x', '/etc/x', 'a\\b\\..\\c'])('does not validate %j', name => {
    expect(() => validateFileName(name)).toThrow(suspicious)
  })

  it('validates what it should, and gives it back', () => {
    for (const name of ['a', 'a/b.txt', '.hidden', '..a', 'a..', '...', 'a b', 'd\\f'])
      expect(validateFileName(name)).toBe(name)
    expect(validateFileName('a.txt', { allowRelativePath: false })).toBe('a.txt')
    for (const name of ['d/a.txt', 'd\\a.txt', '/a.txt']) {
      expect(() => validateFileName(name, { allowRelativePath: false })).toThrow(suspicious)
    }
    for (const wrong of [null, undefined, 5, {}, ['a']]) {
      expect(() => validateFileName(wrong as never)).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
    }
  })

  it('hands only the last part to a rule of one’s own', () => {
    const seen: string[] = []
    expect(generateFilename('a/b/c d', last => `${seen.push(last)}.txt`)).toBe('a/b/1.txt')
    expect(seen).toEqual(['c d'])
  })

  it('takes all suffixes as the extension and leaves dot files whole', () => {
    expect(splitName('a/x.tar.gz')).toEqual(['a/', 'x', '.tar.gz'])
    expect(splitName('noext')).toEqual(['', 'noext', ''])
    expect(splitName('.hidden')).toEqual(['', '.hidden', ''])
    expect(splitName('...')).toEqual(['', '...', ''])
    expect(splitName('a/..b.c')).toEqual(['a/', '..b', '.c'])
    expect(splitName('a.')).toEqual(['', 'a.', ''])
    expect(alternativeName('x', '.tar.gz')).toMatch(/^x_[A-Za-z0-9]{7}\.tar\.gz$/)
    expect(alternativeName('django_test', '.txt', 'underscore')).toBe('django_test_.txt')
  })
})

describe('names that are normal as they are', () => {
  const parts = fc.array(fc.string({ unit: fc.constantFrom('a', 'é', ' ', '.', '/', '\\', '\n', '-') }), {
    minLength: 1,
  })

  it('take a shorter way to the same result', () => {
    fc.assert(
      fc.property(parts, fc.constantFrom('', 'loc', 'a/b/', '.hidden'), (given, base) => {
        const name = given.join('/')
        if (name.startsWith('/')) return
        // A beginning that means nothing sends the name the long way.
        expect(cleanName(name)).toBe(cleanName(`./${name}`))
        expect(outcome(() => safeJoin(base, name))).toEqual(outcome(() => safeJoin(base, `./${name}`)))
      }),
      { numRuns: 5000 },
    )
  })

  function outcome(run: () => string): string | undefined {
    try {
      return run()
    } catch {
      return undefined
    }
  }
})

describe('URLs and dates', () => {
  it('encodes names as paths of URLs', () => {
    expect(filepathToUri('a\\b.txt')).toBe('a/b.txt')
    expect(filepathToUri("x~!*()'.txt")).toBe("x~!*()'.txt")
    expect(joinUrl('/media', '//evil.com/x')).toBe('/media/evil.com/x')
    expect(joinUrl('http://m/x/', 'a b.txt')).toBe('http://m/x/a%20b.txt')
  })

  it('formats uploadTo', () => {
    expect(strftime('d/%Y/%m/%d', new Date(2026, 10, 23))).toBe('d/2026/11/23')
    expect(strftime('%j %y %H%M%S %b %% %q', new Date(2024, 11, 31, 4, 5, 6))).toBe('366 24 040506 Dec % %q')
  })
})
