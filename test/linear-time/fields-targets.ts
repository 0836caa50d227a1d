import { imageSize } from 'image-size'
import { bytesContent } from '../../src/core/content.ts'
import { extensionOf } from '../../src/core/mime.ts'
import { imageHeader } from '../../src/fields/image/header.ts'
import { observed } from '../../src/fields/image/read.ts'
import { checkedParts } from '../../src/fields/row-values.ts'
import { quietly, type Target } from './target.ts'

function headerOf(start: string, input: string): unknown {
  const content = bytesContent(Buffer.from(start + input, 'latin1'))
  return observed(content, () => imageHeader(imageSize)).found()
}

const SVG = [
  '<svg ',
  ' ',
  '<!--',
  '-->',
  '<?',
  '?>',
  '<!DOCTYPE [',
  '>',
  'width="1"',
  'viewBox="',
  '0 ',
  '1e9',
  '"',
  '\n',
  "'",
]

/** What users upload into file fields, and what names are made of there. */
export const ofFields: readonly Target[] = [
  { title: 'an SVG file', parts: SVG, run: input => headerOf('<', input) },
  { title: 'the tag of an SVG file', parts: SVG, run: input => headerOf('<svg ', input) },
  ...['\xff\xd8', 'RIFF\xff\0\0\0WEBPVP8X', '\0\0\0\x18ftypheic', 'II*\0\x08\0\0\0', '\x89PNG\r\n\x1a\n', 'GIF89a'].map(
    start => ({
      title: `a picture that begins with ${JSON.stringify(start)}`,
      parts: [
        '\0\0\0\x08meta',
        'irot',
        '\0\0\0\x09irot\x01',
        'EXIF',
        '\0',
        '\x01',
        '\xff\xe1\0\x02',
        '\xff',
        '\0\0\0\0',
        'ispe',
        'ipco',
      ],
      length: 20_000,
      run: (input: string) => headerOf(start, input),
    }),
  ),
  {
    title: 'a name that uploadTo has made',
    parts: ['undefined', 'null', ' ', '/', '[object ', ']', 'None', 'é', '_', 'NaN'],
    run: input => {
      quietly(() => checkedParts('pdf', input, '', []))
      quietly(() => checkedParts('pdf', input, input, []))
    },
  },
  { title: 'the media type of an upload', parts: ['image/png', ';', ' ', 'a'], run: input => extensionOf(input) },
]
