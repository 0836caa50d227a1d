import { describe, expect, test } from 'vitest'
import { resolveReference } from '../../src/static/resolve.ts'

/** The name, and the URL for the last part `NEW.x`. */
function resolved(from: string, url: string, base?: string): [string, string] | undefined {
  const found = resolveReference(from, url, base === undefined ? [] : [base])
  return found === undefined ? undefined : [found.name, found.withLast('NEW.x')]
}

describe('what a URL in a file means', () => {
  test.each<[from: string, url: string, name: string, written: string]>([
    ['css/a.css', 'b.css', 'css/b.css', 'NEW.x'],
    ['css/a.css', './b.css', 'css/b.css', './NEW.x'],
    ['css/a.css', '../img/x.png', 'img/x.png', '../img/NEW.x'],
    ['a.css', 'img/./x.png', 'img/x.png', 'img/./NEW.x'],
    ['css/a.css', ' ../x.png ', 'x.png', '../NEW.x'],
    ['css/a.css', 'f.eot?#iefix', 'css/f.eot', 'NEW.x?#iefix'],
    ['css/a.css', 'f.svg?v=1#font', 'css/f.svg', 'NEW.x?v=1#font'],
    ['css/a.css', 'my%20file.png', 'css/my file.png', 'NEW.x'],
    ['css/a.css', 'f%C3%BC/x.png', 'css/fü/x.png', 'f%C3%BC/NEW.x'],
    ['css/a.css', 'bad%zz.png', 'css/bad%zz.png', 'NEW.x'],
    ['css/a.css', '../../up.png', '../up.png', '../../NEW.x'],
    ['css/a.css', 'a//b.png', 'css/a/b.png', 'a//NEW.x'],
  ])('in %s, %s is %s', (from, url, name, written) => {
    expect(resolved(from, url)).toEqual([name, written])
  })

  test.each([
    'data:image/png;base64,AAAA',
    'https://example.com/x.png',
    'HTTP://example.com/x.png',
    '//cdn.example.com/x.png',
    'about:blank',
    '#fragment',
    '?query',
    '',
    ' ',
    'folder/',
    '.',
    '..',
    '/absolute.png',
  ])('%j leads elsewhere, or to no file', url => {
    expect(resolved('css/a.css', url)).toBeUndefined()
  })

  test.each<[base: string, url: string, name: string | undefined]>([
    ['/static/', '/static/img/x.png', 'img/x.png'],
    ['/static/', '/staticx/img/x.png', undefined],
    ['/', '/img/x.png', 'img/x.png'],
    ['/', '//cdn.example.com/x.png', undefined],
    ['https://cdn.example.com/s/', 'https://cdn.example.com/s/x.png', 'x.png'],
    ['https://cdn.example.com/s/', 'https://other.example.com/s/x.png', undefined],
    ['//cdn.example.com/', '//cdn.example.com/x.png', 'x.png'],
  ])('below %s, %s is %s', (base, url, name) => {
    expect(resolved('css/a.css', url, base)?.[0]).toBe(name)
  })

  test.each([
    ['img/arrow@2x ü.png', 'arrow@2x ü.0123456789ab.png', 'img/arrow@2x ü.0123456789ab.png'],
    ['img/arrow@2x%20%c3%bc.png?v=1#y', 'arrow@2x ü.0123456789ab.png', 'img/arrow@2x%20%c3%bc.0123456789ab.png?v=1#y'],
    ['img/LICEN%53E', 'LICENSE.0123456789ab', 'img/LICEN%53E.0123456789ab'],
    ['img/a.%70ng', 'a.0123456789ab.png', 'img/a.0123456789ab.png'],
    ['img/a.0.png', 'a.0.0.png', 'img/a.0.0.png'],
    ['img/a.png', 'b@2x ü.png', 'img/b%402x%20%C3%BC.png'],
    ['img/aa.png', 'a.png', 'img/a.png'],
  ])('the hash is put into %s, and what else differs is encoded', (url, last, expected) => {
    expect(resolveReference('a.css', url, [])!.withLast(last)).toBe(expected)
  })
})
