// Makes the example files in examples/media: a picture, a sound, a drawing, a table and a text, all from code.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32, deflateSync } from 'node:zlib'

const folder = join(import.meta.dirname, 'media')
mkdirSync(folder, { recursive: true })
const write = (name: string, data: string | Uint8Array) => writeFileSync(join(folder, name), data)

/** A PNG of two gradients, 160 x 90 pixels. */
function picture(width: number, height: number): Buffer {
  const rows = Buffer.alloc((width * 3 + 1) * height)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const level = (x * 255) / width
      const colour = y * 2 < height ? [level, 128, 255 - level] : [128, 255 - level, level]
      rows.set(colour, y * (width * 3 + 1) + 1 + x * 3)
    }
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 2, 0, 0, 0], 8)
  const chunk = (type: string, data: Uint8Array) => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
    const frame = Buffer.alloc(8)
    frame.writeUInt32BE(data.byteLength, 0)
    frame.writeUInt32BE(crc32(body), 4)
    return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)])
  }
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', new Uint8Array()),
  ])
}

/** A WAV of one second, 4 kHz, 16 bits: a tone that fades. */
function sound(rate: number): Buffer {
  const wav = Buffer.alloc(44 + rate * 2)
  wav.write('RIFF', 0)
  wav.writeUInt32LE(wav.byteLength - 8, 4)
  wav.write('WAVEfmt ', 8)
  wav.writeUInt32LE(16, 16)
  wav.writeUInt16LE(1, 20)
  wav.writeUInt16LE(1, 22)
  wav.writeUInt32LE(rate, 24)
  wav.writeUInt32LE(rate * 2, 28)
  wav.writeUInt16LE(2, 32)
  wav.writeUInt16LE(16, 34)
  wav.write('data', 36)
  wav.writeUInt32LE(rate * 2, 40)
  for (let i = 0; i < rate; i++) {
    wav.writeInt16LE(Math.round(Math.sin((2 * Math.PI * 440 * i) / rate) * 12_000 * (1 - i / rate)), 44 + i * 2)
  }
  return wav
}

write('gradient.png', picture(160, 90))
write('tone.wav', sound(4000))
write(
  'bag.svg',
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><title>A bag</title><path d="M22 24v-6a10 10 0 0 1 20 0v6" fill="none" stroke="#444" stroke-width="4"/><rect x="8" y="24" width="48" height="32" rx="6" fill="#e2a13b"/></svg>\n',
)
write('sizes.csv', `name,bytes\n${Array.from({ length: 12 }, (_, i) => `file-${i},${2 ** i}`).join('\n')}\n`)
write('grüße – 你好.txt', 'Names and contents may be in any script: grüße, 你好, привет.\n')
