/** Pictures of every format that `imageField` reads, made by sharp, with what their headers say. */
import sharp, { type Sharp } from 'sharp'

export interface Picture {
  readonly name: string
  readonly bytes: Buffer
  readonly width: number
  readonly height: number
  readonly orientation: number | undefined
}

const WIDTH = 320
const HEIGHT = 200

const source = (): Sharp =>
  sharp({ create: { width: WIDTH, height: HEIGHT, channels: 3, background: { r: 200, g: 30, b: 60 } } })

const picture = (name: string, bytes: Buffer, orientation?: number): Picture => ({
  name,
  bytes,
  width: WIDTH,
  height: HEIGHT,
  orientation,
})

/** A JPEG with further segments of 64 KiB before its frame header. */
export function withSegments(jpeg: Buffer, count: number): Buffer {
  const length = 65_535
  const segment = Buffer.concat([Buffer.from([0xff, 0xe5, length >> 8, length & 0xff]), Buffer.alloc(length - 2, 0x20)])
  return Buffer.concat([jpeg.subarray(0, 2), ...Array<Buffer>(count).fill(segment), jpeg.subarray(2)])
}

/** A HEIC file without a picture: `ftyp`, and a `meta` box with the size and a quarter turn. (ISO/IEC 14496-12) */
function heic(): Buffer {
  const box = (type: string, ...content: Buffer[]): Buffer => {
    const body = Buffer.concat(content)
    const head = Buffer.alloc(8)
    head.writeUInt32BE(body.length + 8)
    head.write(type, 4, 'latin1')
    return Buffer.concat([head, body])
  }
  const number = (value: number): Buffer => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(value)
    return bytes
  }
  const ispe = box('ispe', number(0), number(WIDTH), number(HEIGHT))
  const ipco = box('ipco', ispe, box('irot', Buffer.from([1])))
  const meta = box('meta', number(0), box('iprp', ipco))
  return Buffer.concat([box('ftyp', Buffer.from('heic'), number(0), Buffer.from('mif1heic')), meta, box('mdat')])
}

export async function pictures(): Promise<Picture[]> {
  const turned = (format: (from: Sharp) => Sharp): Promise<Buffer> =>
    format(source().withMetadata({ orientation: 6 })).toBuffer()
  const jpeg = await source().jpeg().toBuffer()
  const svg = `<?xml version="1.0"?>\n<!-- ${'x'.repeat(6000)} -->\n<svg xmlns="http://www.w3.org/2000/svg" width="320" height="200"/>`
  return [
    picture('plain.png', await source().png().toBuffer()),
    picture('interlaced.png', await source().png({ progressive: true }).toBuffer()),
    picture('plain.jpg', jpeg),
    picture('progressive.jpg', await source().jpeg({ progressive: true }).toBuffer()),
    picture('segments.jpg', withSegments(jpeg, 3)),
    picture('turned.jpg', await turned(from => from.jpeg()), 6),
    picture('turned-segments.jpg', withSegments(await turned(from => from.jpeg()), 2), 6),
    picture('plain.gif', await source().gif().toBuffer()),
    picture('lossy.webp', await source().webp().toBuffer()),
    picture('lossless.webp', await source().webp({ lossless: true }).toBuffer()),
    picture('turned.webp', await turned(from => from.webp()), 6),
    picture('plain.avif', await source().avif({ effort: 0 }).toBuffer()),
    picture('turned.heic', heic(), 8),
    picture('plain.tiff', await source().tiff().toBuffer(), 1),
    picture('turned.tiff', await turned(from => from.tiff({ compression: 'none' })), 6),
    picture('plain.svg', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 200"></svg>')),
    picture('late.svg', Buffer.from(svg)),
    picture(
      'long.svg',
      Buffer.from(`<svg id=" width='9' >" ${'xmlns:a="x" '.repeat(200)}\n height = '200'\twidth="320">`),
    ),
  ]
}
