import { infoUrl } from '../../src/backends/swift/client.ts'
import { messageIn } from '../../src/backends/swift/errors.ts'
import { headerStatOf, isFolderType, kindOf, md5In } from '../../src/backends/swift/headers.ts'
import { pageOf } from '../../src/backends/swift/listing.ts'
import { storedNames, userNames } from '../../src/backends/swift/names.ts'
import { manifestPrefix } from '../../src/backends/swift/segments.ts'
import { plainUrl, signedPath, tempUrlQuery } from '../../src/backends/swift/sign.ts'
import { quietly, type Target } from './target.ts'

/** What Swift answers, and what users write of its URLs. */
export const ofSwift: readonly Target[] = [
  {
    title: 'answers of Swift',
    parts: ['<p>', '<', 'True', '/', '%2F', '%', '"', '1', '.', '_', 'a', ';', 'application/directory', ' ', '0'],
    run(input) {
      messageIn(`<html>${input}`)
      messageIn(input, 'text/plain')
      isFolderType(input)
      const headers = {
        'x-object-manifest': input,
        'x-static-large-object': input,
        'x-timestamp': `1${input}`,
        etag: input,
      }
      manifestPrefix(headers)
      kindOf(headers)
      md5In(headers)
      headerStatOf(headers)
      const rows = [
        { name: input, bytes: 1, hash: input, last_modified: input, content_type: input },
        { subdir: `${input}/` },
      ]
      quietly(() => pageOf(rows, '', { recursive: false }, { asked: 10, whole: true }))
    },
  },
  {
    title: 'URLs and names of metadata of Swift',
    parts: [
      'attachment',
      'inline',
      ';',
      ' ',
      'filename=',
      "filename*=utf-8''",
      '"',
      '\\',
      '%C3',
      '/',
      '/v1',
      'a',
      '-x5f-',
      '_',
      '-',
      '.',
    ],
    run(input) {
      quietly(() => tempUrlQuery({ method: 'GET', contentDisposition: input }))
      quietly(() => tempUrlQuery({ method: 'GET', contentDisposition: `inline; ${input}` }))
      infoUrl(`https://swift.test${input}`)
      const base = {
        publicUrl: `https://swift.test/${input}`,
        container: 'c',
        baseUrl: `https://a/${input}`,
        autoBaseUrl: true,
      }
      signedPath(base, input)
      plainUrl(base, 'key')
      storedNames({ [input]: 1 })
      userNames({ [input]: 1 })
    },
  },
]
