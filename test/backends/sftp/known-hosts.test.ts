import { createHmac, randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { fingerprint, keyType, knownKeys, knownName } from '../../../src/remote/ssh/known-hosts.ts'

/** A public key of a type, as it goes over the wire; the same for the same word. */
function key(type: string, word: string): Buffer {
  const parts = [Buffer.from(type), Buffer.from(word.padEnd(32, '.'))].map(part => {
    const size = Buffer.alloc(4)
    size.writeUInt32BE(part.byteLength)
    return Buffer.concat([size, part])
  })
  return Buffer.concat(parts)
}

const ED = key('ssh-ed25519', 'one')
const RSA = key('ssh-rsa', 'two')
const line = (hosts: string, blob: Buffer, more = ''): string =>
  `${hosts} ${keyType(blob)} ${blob.toString('base64')}${more}`

function hashed(name: string): string {
  const salt = randomBytes(20)
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`
}

it('a server has its name, or [name]:port', () => {
  expect(knownName('Files.Example.com', 22)).toBe('files.example.com')
  expect(knownName('files.example.com', 2222)).toBe('[files.example.com]:2222')
  expect(knownName('::1', 2222)).toBe('[::1]:2222')
})

describe('lines', () => {
  it.each([
    ['plain', 'h.example.com', 'h.example.com', true],
    ['another name', 'h.example.com', 'g.example.com', false],
    ['one of several', 'a,h,b', 'h', true],
    ['capitals', 'H.Example.COM', 'h.example.com', true],
    ['another port', 'h', '[h]:2222', false],
    ['this port', '[h]:2222', '[h]:2222', true],
    ['a wildcard', '*.example.com', 'h.example.com', true],
    ['a wildcard that does not fit', '*.example.com', 'example.com', false],
    ['a question mark', 'h?.example.com', 'h1.example.com', true],
    ['two wildcards', '*.ex*e.com', 'h.example.com', true],
    ['a negation', '*.example.com,!h.example.com', 'h.example.com', false],
    ['a negation before', '!h.example.com,*.example.com', 'h.example.com', false],
    ['a negation of another', '*.example.com,!g.example.com', 'h.example.com', true],
    ['a negation alone', '!g', 'h', false],
    ['hashed', hashed('h.example.com'), 'h.example.com', true],
    ['hashed with a port', hashed('[h]:2222'), '[h]:2222', true],
    ['hashed, another', hashed('g'), 'h', false],
    ['a hash that is none', '|1|x', 'h', false],
    ['a hash of another kind', '|2|eA==|eA==', 'h', false],
  ])('%s', (_title, hosts, name, fits) => {
    expect(knownKeys(line(hosts, ED), name).keys).toEqual(fits ? [ED] : [])
  })

  it('of several kinds, with comments, blanks and line ends of Windows', () => {
    const text = ['# comment', '', `  ${line('h', ED, ' root@h comment')}  `, `\t${line('h', RSA)}\r`].join('\n')
    expect(knownKeys(text, 'h')).toEqual({ keys: [ED, RSA], revoked: [], authorities: 0 })
  })

  it('with markers count apart', () => {
    const text = [`@revoked ${line('*', RSA)}`, `@cert-authority ${line('*.h', ED)}`, `@odd ${line('h', ED)}`].join(
      '\n',
    )
    expect(knownKeys(text, 'a.h')).toEqual({ keys: [], revoked: [RSA], authorities: 1 })
    expect(knownKeys(text, 'h')).toEqual({ keys: [], revoked: [RSA], authorities: 0 })
  })

  it('that cannot be read are passed over, and spoil no other', () => {
    const odd = [
      'h',
      'h ssh-rsa',
      'h ssh-rsa !!!',
      'h ssh-rsa AAAA',
      `h ssh-ed25519 ${RSA.toString('base64')}`,
      'h 1024 35 12345',
      '@revoked',
      '\0',
    ]
    expect(knownKeys([...odd, line('h', ED)].join('\n'), 'h')).toEqual({ keys: [ED], revoked: [], authorities: 0 })
  })

  it('with many wildcards take no long time', () => {
    const pattern = `${'*a'.repeat(60)}b`
    expect(knownKeys(line(pattern, ED), 'a'.repeat(5000)).keys).toEqual([])
  })
})

it('a key tells its type, and nothing else does', () => {
  expect(keyType(RSA)).toBe('ssh-rsa')
  for (const none of [
    Buffer.alloc(0),
    Buffer.alloc(4),
    Buffer.from([0, 0, 0, 9, 1]),
    Buffer.from([255, 255, 255, 255]),
  ]) {
    expect(keyType(none)).toBe('')
  }
})

it('a fingerprint is that of ssh-keygen', () => {
  // ssh-keygen -lf of this line.
  const blob = Buffer.from('AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl', 'base64')
  expect(fingerprint(blob)).toBe('SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU')
})
