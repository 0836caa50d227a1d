import { afterAll, vi } from 'vitest'
import { changed, changedFields, insteadJson, lackingFields, withHeader, without } from '../../faults/answers.ts'
import type { Lie } from '../../faults/faults.ts'
import { after, describeLies, jsonLies, LIES, lies, RANGE_LIES } from '../../faults/lies.ts'
import { PART, type StepName, startGround } from './fault-steps.ts'

vi.mock('node:timers/promises', () => import('../../support/short-waits.ts'))

const on = await startGround()
afterAll(() => on.close())

type Fields = Readonly<Record<string, unknown>>

const ERROR = { error_summary: 'too_many_requests/..', error: { reason: { '.tag': 'too_many_requests' } } }
const ZEROS = '0'.repeat(64)
/** What may be told instead of a document, of any request that is answered by one. */
const DOCUMENTS = jsonLies({ '.tag': 'other', other: 1 }, ERROR)
const field = (name: string, value: unknown): Lie['answer'] => changedFields(fields => ({ ...fields, [name]: value }))
/** What may be told of the file that a write made. */
const FILES = [
  ...DOCUMENTS,
  after('no revision', lackingFields('rev')),
  after('no size', lackingFields('size')),
  after('another size', field('size', 5)),
  after('a size that is none', field('size', '30000')),
  after('another hash', field('content_hash', ZEROS)),
  after('another path', field('path_lower', '/elsewhere')),
]
/** The metadata that goes with bytes, changed. */
const result =
  (change: (fields: Fields) => Fields): Lie['answer'] =>
  truth => {
    const [, text = ''] = truth.headers.find(([name]) => name.toLowerCase() === 'dropbox-api-result') ?? []
    return withHeader(truth, 'Dropbox-API-Result', JSON.stringify(change(JSON.parse(text) as Fields)))
  }
const RESULTS = [
  after('no metadata', truth => without(truth, 'dropbox-api-result')),
  after('metadata that is no JSON', truth => withHeader(truth, 'Dropbox-API-Result', '{')),
  after(
    'another size',
    result(fields => ({ ...fields, size: 5 })),
  ),
  after(
    'another file',
    result(fields => ({ ...fields, path_lower: '/elsewhere' })),
  ),
]
const UNSUPPORTED = ['unsupported']

/** One entry of a batch, changed. */
const entries = (change: (entries: readonly unknown[]) => readonly unknown[]): Lie['answer'] =>
  changedFields(fields => ({ ...fields, entries: change(fields['entries'] as readonly unknown[]) }))
const offset =
  (correct_offset: number): Lie['answer'] =>
  truth => ({
    ...changed(truth, JSON.stringify({ error_summary: '', error: { '.tag': 'incorrect_offset', correct_offset } })),
    status: 409,
  })

describeLies<StepName>({
  on,
  part: PART,
  writes: [
    { title: 'a small file', write: 'small', step: 'upload', faults: FILES },
    { title: 'a small new file', write: 'smallNew', step: 'upload', faults: FILES },
    {
      title: 'the start of a session',
      write: 'stream',
      step: 'start',
      faults: [
        ...DOCUMENTS,
        after('no session', lackingFields('session_id')),
        after('another session', field('session_id', 'none')),
      ],
    },
    {
      title: 'a part',
      write: 'stream',
      step: 'part 2',
      faults: [
        ...LIES,
        ...lies('more than was sent', offset(3 * PART)),
        ...lies('less than was stored before', offset(9)),
        ...lies('a place within what was sent', offset(PART + 5)),
        ...lies('a place that is none', () => ({
          ...insteadJson({ error: { '.tag': 'incorrect_offset', correct_offset: '70000' } })({
            status: 409,
            headers: [],
            body: Buffer.alloc(0),
          }),
          status: 409,
        })),
      ],
    },
    { title: 'the end of a session', write: 'stream', step: 'finish', faults: FILES },
    {
      title: 'a copy',
      write: 'copy',
      over: false,
      step: 'copy',
      faults: [
        ...DOCUMENTS,
        after('no metadata', lackingFields('metadata')),
        after('a folder', insteadJson({ metadata: { '.tag': 'folder', name: 'x', id: 'id:1' } })),
      ],
    },
  ],
  looks: {
    read: {
      step: 'download',
      faults: [...LIES, ...RESULTS, after('another byte', truth => changed(truth, 'what was there Before'))],
      codes: UNSUPPORTED,
    },
    range: { step: 'download', faults: [...RANGE_LIES, ...RESULTS], codes: UNSUPPORTED },
    size: {
      step: 'get',
      faults: [
        ...DOCUMENTS,
        after('no size', lackingFields('size')),
        after('a size that is none', field('size', 'x')),
        after('another file', field('path_lower', '/elsewhere')),
      ],
      codes: UNSUPPORTED,
    },
    list: {
      step: 'list',
      faults: [
        ...DOCUMENTS,
        after('entries that are no list', field('entries', 'x')),
        after('no word whether there is more', lackingFields('has_more')),
        after(
          'more without a cursor',
          changedFields(fields => ({ ...fields, has_more: true, cursor: '' })),
        ),
      ],
      codes: UNSUPPORTED,
    },
  },
  deletions: {
    delete: { step: 'delete', faults: DOCUMENTS },
    deleteMany: {
      step: 'check',
      faults: [
        ...DOCUMENTS,
        after(
          'one entry left out',
          entries(all => all.slice(1)),
        ),
        after(
          'no entry',
          entries(() => []),
        ),
        after(
          'an entry of no kind',
          entries(([, ...rest]) => [{ '.tag': 'perhaps' }, ...rest]),
        ),
        after('done without entries', insteadJson({ '.tag': 'complete' })),
        after(
          'a failure inside',
          entries(([, ...rest]) => [{ '.tag': 'failure', failure: { '.tag': 'too_many_files' } }, ...rest]),
        ),
      ],
    },
  },
})
