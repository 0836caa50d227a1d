import { gzipSync } from 'node:zlib'
import type { DjangoSettings } from './python.ts'

/** What both sides have stored or refused: the name that was given back, all keys, the object's attributes. */
export type Outcome = Readonly<Record<string, unknown>>

/** Where the two differ on purpose, and why. */
export interface Difference {
  readonly why: string
  readonly django: Outcome
  readonly holdall: Outcome
}

/** One save, by the same settings. */
export interface SaveCase {
  readonly title: string
  readonly settings?: DjangoSettings
  /** `a.txt` unless given. */
  readonly name?: string
  readonly content?: string | Buffer
  /** The type that an upload brings along. */
  readonly contentType?: string
  readonly maxLength?: number
  /** What both must have stored, so that equal means more than twice ignored. */
  readonly expected?: Outcome
  readonly differs?: Difference
  /** What each side reads of what the other wrote, unless it is the content. */
  readonly read?: Difference
  /** Attributes that need not be equal. */
  readonly except?: { readonly why: string; readonly attributes: readonly string[] }
}

const EVERYBODY = 'http://acs.amazonaws.com/groups/global/AllUsers'
const USERS = 'http://acs.amazonaws.com/groups/global/AuthenticatedUsers'
const OWNER = 'owner FULL_CONTROL'
const MIB = 1024 * 1024
const CSS = 'body { color: red }\n'.repeat(200)
const PACKED = gzipSync(CSS)
/** Bytes that do not repeat, in the types that gzip compresses. */
export const LARGE: Buffer = Buffer.alloc(17 * MIB + 5)
for (let at = 0, state = 1; at + 4 <= LARGE.length; at += 4) {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0
  LARGE.writeUInt32LE(state, at)
}

function parameters(AWS_S3_OBJECT_PARAMETERS: DjangoSettings): DjangoSettings {
  return { AWS_S3_OBJECT_PARAMETERS }
}

const NAMES: readonly SaveCase[] = [
  { title: 'text', expected: { returned: 'a.txt', keys: ['a.txt'], type: 'text/plain', grants: [OWNER] } },
  { title: 'bytes of every kind', name: 'a.bin', content: Buffer.from(Array.from({ length: 256 }, (_, at) => at)) },
  { title: 'nothing', content: '', expected: { size: 0 } },
  { title: 'spaces and signs', name: "a b/+&=?#%~!*()'@:,;$.txt", expected: { type: 'text/plain' } },
  { title: 'signs that URLs forbid', name: '"<>[]^`{|}.txt' },
  { title: 'what looks encoded', name: '%20/%C3%A9%2F+.txt', expected: { keys: ['%20/%C3%A9%2F+.txt'] } },
  { title: 'Unicode', name: 'ü/日本語/😀 e\u0301.css', expected: { type: 'text/css' } },
  { title: 'space at both ends', name: ' a .txt ', expected: { keys: [' a .txt '] } },
  { title: 'control characters', name: 'tab\tand\nline.txt' },
  {
    title: 'double slashes and dots',
    name: './a//b/./c.txt',
    expected: { returned: 'a/b/c.txt', keys: ['a/b/c.txt'] },
  },
  { title: 'backslashes', name: 'a\\b.txt', expected: { returned: 'a/b.txt', keys: ['a/b.txt'] } },
  { title: 'a path upwards', name: '../x.txt', expected: { refused: 'suspicious_name' } },
  { title: 'a path upwards within', name: 'a/../b.txt', expected: { refused: 'suspicious_name' } },
  { title: 'an absolute path', name: '/x.txt', expected: { refused: 'suspicious_name' } },
  { title: 'a folder', name: 'a/', expected: { refused: 'suspicious_name' } },
  { title: 'no name', name: '', expected: { refused: 'suspicious_name' } },
  { title: 'a longest name', name: 'parent/child.txt', maxLength: 15, expected: { returned: 'parent/chil.txt' } },
  {
    title: 'a longest name that leaves none',
    name: 'child.txt',
    maxLength: 4,
    expected: { refused: 'suspicious_name' },
  },
  {
    title: 'a longest name, two suffixes',
    name: 'parent/child.tar.gz',
    maxLength: 17,
    differs: {
      why: 'Django 3.2 keeps only the last suffix, later ones (5.1) all of them, so that the type survives',
      django: { returned: 'parent/child.t.gz', type: 'text/troff', encoding: 'gzip' },
      holdall: { returned: 'parent/chi.tar.gz', type: 'application/gzip', encoding: undefined },
    },
  },
]

/** A packed file that is no part of a page. */
function archive(name: string, django: Outcome, type: string): SaveCase {
  const why =
    'upstream stores an archive as encoded content, so that a browser unpacks it and keeps its name (its issue 451)'
  return { title: `a packed file, ${name}`, name, differs: { why, django, holdall: { type, encoding: undefined } } }
}

const TYPES: readonly SaveCase[] = [
  { title: 'no extension', name: 'README', expected: { type: 'application/octet-stream' } },
  { title: 'an unknown extension', name: 'a.unknown', expected: { type: 'application/octet-stream' } },
  { title: 'an extension in capitals', name: 'PHOTO.JPG', expected: { type: 'image/jpeg' } },
  { title: 'a script', name: 'a.mjs', expected: { type: 'text/javascript' } },
  archive('a.tar.gz', { type: 'application/x-tar', encoding: 'gzip' }, 'application/gzip'),
  archive('a.gz', { type: 'application/octet-stream', encoding: 'gzip' }, 'application/gzip'),
  { title: 'a short form', name: 'a.svgz', expected: { type: 'image/svg+xml', encoding: 'gzip' } },
  archive('a.bz2', { type: 'application/octet-stream', encoding: 'bzip2' }, 'application/x-bzip2'),
  { title: 'the type of an upload', contentType: 'text/odd', expected: { type: 'text/odd' } },
  {
    title: 'an encoding by the name, a type by the upload',
    name: 'f.css.gz',
    contentType: 'text/odd',
    differs: {
      why: 'a guessed encoding goes with the guessed type only',
      django: { type: 'text/odd', encoding: 'gzip' },
      holdall: { type: 'text/odd', encoding: undefined },
    },
  },
]

const GZIP: readonly SaveCase[] = [
  { title: 'f.css.gz, gzip off', name: 'f.css.gz', content: PACKED, expected: { type: 'text/css', encoding: 'gzip' } },
  { title: 'gzip off', name: 'f.css', content: CSS, expected: { size: CSS.length } },
  ...['f.css', 'f.js', 'f.svg'].map((name): SaveCase => {
    return {
      title: `gzip on, ${name}`,
      settings: { AWS_IS_GZIPPED: true },
      name,
      content: CSS,
      expected: { encoding: 'gzip' },
    }
  }),
  {
    title: 'gzip on, empty',
    settings: { AWS_IS_GZIPPED: true },
    name: 'f.css',
    content: '',
    expected: { encoding: 'gzip' },
  },
  {
    title: 'gzip on, another type',
    settings: { AWS_IS_GZIPPED: true },
    name: 'f.png',
    content: CSS,
    expected: { size: CSS.length },
  },
  {
    title: 'gzip on, the type of an upload',
    settings: { AWS_IS_GZIPPED: true },
    name: 'f.bin',
    contentType: 'text/css',
    content: CSS,
    expected: { encoding: 'gzip', type: 'text/css' },
  },
  {
    title: 'gzip on, own types',
    settings: { AWS_IS_GZIPPED: true, GZIP_CONTENT_TYPES: ['text/plain'] },
    content: CSS,
    expected: { encoding: 'gzip', type: 'text/plain' },
  },
  {
    title: 'gzip on, own types, not among them',
    settings: { AWS_IS_GZIPPED: true, GZIP_CONTENT_TYPES: ['text/plain'] },
    name: 'f.css',
    content: CSS,
    expected: { size: CSS.length },
  },
  {
    title: 'gzip on, an encoding of its own',
    settings: { AWS_IS_GZIPPED: true, ...parameters({ ContentEncoding: 'identity' }) },
    name: 'f.css',
    content: CSS,
    expected: { encoding: 'identity', size: CSS.length },
  },
  {
    title: 'gzip on, f.css.gz',
    settings: { AWS_IS_GZIPPED: true },
    name: 'f.css.gz',
    content: PACKED,
    expected: { encoding: 'gzip', size: PACKED.length },
    read: {
      why: 'upstream unpacks whatever says gzip; we unpack what we packed and give back what was saved',
      django: { read: CSS },
      holdall: { read: PACKED.toString('latin1') },
    },
  },
  {
    title: 'gzip on, a type with a charset',
    settings: { AWS_IS_GZIPPED: true, ...parameters({ ContentType: 'text/css; charset=utf-8' }) },
    name: 'f.css',
    content: CSS,
    differs: {
      why: 'the charset is no part of the type that the list names',
      django: { type: 'text/css; charset=utf-8', encoding: undefined },
      holdall: { type: 'text/css; charset=utf-8', encoding: 'gzip' },
    },
  },
  {
    title: 'gzip on, in parts',
    settings: { AWS_IS_GZIPPED: true },
    name: 'f.css',
    content: LARGE,
    expected: { encoding: 'gzip' },
    except: { why: 'another zlib', attributes: ['size', 'sha256', 'etag'] },
  },
]

const ACLS: readonly SaveCase[] = [
  ...(
    [
      ['private', [OWNER]],
      ['public-read', [`${EVERYBODY} READ`, OWNER]],
      ['public-read-write', [`${EVERYBODY} READ`, `${EVERYBODY} WRITE`, OWNER]],
      ['authenticated-read', [`${USERS} READ`, OWNER]],
      ['bucket-owner-read', [OWNER]],
      ['bucket-owner-full-control', [OWNER]],
      [null, [OWNER]],
      ['', [OWNER]],
    ] as const
  ).map(([AWS_DEFAULT_ACL, grants]): SaveCase => {
    return { title: `ACL ${JSON.stringify(AWS_DEFAULT_ACL)}`, settings: { AWS_DEFAULT_ACL }, expected: { grants } }
  }),
  { title: 'an unknown ACL', settings: { AWS_DEFAULT_ACL: 'odd' }, expected: { refused: 'InvalidArgument' } },
  {
    title: 'the ACL of the parameters wins',
    settings: { AWS_DEFAULT_ACL: 'public-read', ...parameters({ ACL: 'authenticated-read' }) },
    expected: { grants: [`${USERS} READ`, OWNER] },
  },
  {
    title: 'a grant',
    settings: parameters({ GrantRead: `uri="${EVERYBODY}"` }),
    expected: { grants: [`${EVERYBODY} READ`] },
  },
]

/** The cases of names, types, gzip and ACLs. */
export const FORM_CASES: readonly SaveCase[] = [...NAMES, ...TYPES, ...GZIP, ...ACLS]
