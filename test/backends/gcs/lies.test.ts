import { afterAll } from 'vitest'
import { changed, changedFields, insteadJson, lackingFields, withHeader, without } from '../../faults/answers.ts'
import type { NamedFault } from '../../faults/case.ts'
import type { Lie } from '../../faults/faults.ts'
import { after, describeLies, jsonLies, LIES, lies } from '../../faults/lies.ts'
import { PART, type StepName, startGrounds } from './fault-steps.ts'

const { json: on, xml, close } = await startGrounds()
afterAll(close)

/** Bytes of a large file. */
const SIZE = 3 * PART - 1000

const ERROR = { error: { code: 503, message: 'Try again.', errors: [{ reason: 'backendError' }] } }
/** What may be told instead of a document, of any request that is answered by one. */
const DOCUMENTS = jsonLies({ kind: 'storage#other' }, ERROR)
/** What may be told of the object that a write made. */
const OBJECTS = [
  ...DOCUMENTS,
  after('no generation', lackingFields('generation')),
  after(
    'another size',
    changedFields(fields => ({ ...fields, size: '5' })),
  ),
  after(
    'another checksum',
    changedFields(fields => ({ ...fields, crc32c: 'AAAAAA==' })),
  ),
]

/** Lies that have the client say what the service then refuses, or what the client itself refuses, with the code of that. */
const REFUSED: ReadonlyArray<readonly [title: string, code: string]> = [
  ['a bad address', 'improperly_configured'],
  ['no progress for ever', 'invalid_argument'],
  ['the same token for ever', 'invalid_argument'],
]
const codes = ({ title }: NamedFault) => REFUSED.find(([start]) => title.startsWith(start)) ?? []
/** What a look fails with at an answer that it can do nothing with. */
const UNSUPPORTED = ['unsupported']

const stored =
  (last: number): Lie['answer'] =>
  () => ({ status: 308, headers: [['Range', `bytes=0-${last}`]], body: Buffer.alloc(0) })

/** An answer of a batch in which only so many parts are left. */
const parts =
  (keep: number): Lie['answer'] =>
  truth => {
    const type = truth.headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? ''
    const mark = `--${/boundary=(.*)/.exec(type)?.[1]}`
    const kept = truth.body
      .toString()
      .split(mark)
      .slice(0, keep + 1)
    return changed(truth, `${kept.join(mark)}${mark}--\r\n`)
  }

describeLies<StepName>({
  on,
  part: PART,
  codes,
  writes: [
    { title: 'a small file', write: 'small', step: 'insert', faults: OBJECTS },
    { title: 'a small new file', write: 'smallNew', step: 'insert', faults: OBJECTS },
    {
      title: 'a small file, by the XML API',
      on: xml,
      write: 'small',
      step: 'XML put',
      faults: [...LIES, after('no hash', truth => without(truth, 'x-goog-hash', 'x-goog-generation'))],
    },
    {
      title: 'the start of an upload',
      write: 'stream',
      step: 'start',
      faults: [
        ...LIES,
        after('no address', truth => without(truth, 'location')),
        after('a bad address', truth => withHeader(truth, 'Location', 'nowhere')),
      ],
    },
    {
      title: 'a part',
      write: 'stream',
      step: 'part 2',
      faults: [
        ...LIES,
        ...lies('more than was sent', stored(SIZE - 1)),
        ...lies('less than was stored before', stored(9)),
        ...lies('a range that cannot be read', () => ({
          status: 308,
          headers: [['Range', 'bytes=5-9']],
          body: Buffer.alloc(0),
        })),
        ...lies('an object', insteadJson({ kind: 'storage#object', name: 'x', generation: '1', size: String(SIZE) })),
      ],
    },
    {
      title: 'the last part',
      write: 'stream',
      step: 'last part',
      faults: [
        ...OBJECTS,
        ...lies('all is stored, and no object', stored(SIZE - 1)),
        ...lies('nothing is stored', () => ({ status: 308, headers: [], body: Buffer.alloc(0) })),
      ],
    },
    {
      title: 'a copy',
      write: 'copyInParts',
      over: true,
      step: 'rewrite',
      faults: [
        ...DOCUMENTS,
        ...lies('done without an object', insteadJson({ done: true })),
        ...lies('not done and no token', insteadJson({ done: false, totalBytesRewritten: '1' })),
        ...lies(
          'done with another object',
          insteadJson({ done: true, resource: { name: 'x', generation: '1', size: '5', crc32c: 'AAAAAA==' } }),
        ),
        ...lies('no progress for ever', insteadJson({ done: false, totalBytesRewritten: '1', rewriteToken: 'again' })),
      ],
    },
  ],
  looks: {
    read: {
      step: 'read',
      faults: [
        ...LIES,
        after('another byte', truth => changed(truth, 'what was there Before')),
        after('another hash', truth => withHeader(truth, 'x-goog-hash', 'crc32c=AAAAAA==')),
      ],
      codes: UNSUPPORTED,
    },
    range: { step: 'read', codes: UNSUPPORTED },
    size: {
      step: 'get',
      faults: [
        ...DOCUMENTS,
        after('no size', lackingFields('size')),
        after(
          'a size that is none',
          changedFields(fields => ({ ...fields, size: 'x' })),
        ),
      ],
      codes: UNSUPPORTED,
    },
    list: {
      step: 'list',
      faults: [
        ...jsonLies({ kind: 'storage#buckets' }, { error: { code: 503, message: 'Try again.' } }),
        after(
          'no names',
          changedFields(fields => ({ ...fields, items: [{ kind: 'storage#object' }] })),
        ),
        after(
          'items that are no list',
          changedFields(fields => ({ ...fields, items: 'x' })),
        ),
        after(
          'the same token for ever',
          changedFields(fields => ({ ...fields, nextPageToken: 'again' })),
        ),
      ],
      codes: UNSUPPORTED,
    },
  },
  deletions: {
    delete: { step: 'delete' },
    deleteMany: {
      step: 'batch',
      faults: [
        ...LIES,
        after('half an answer', truth => ({ ...truth, body: truth.body.subarray(0, truth.body.length / 2) })),
        after('one part left out', parts(1)),
        after('no part', parts(0)),
        after('other places', truth => changed(truth, `${truth.body}`.replaceAll('<response-', '<other-'))),
        after('a part with another success', truth =>
          changed(truth, `${truth.body}`.replaceAll('204 No Content', '200 OK')),
        ),
      ],
    },
  },
})
