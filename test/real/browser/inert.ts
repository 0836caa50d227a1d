/** Files that can only be looked at. */

/** One pixel. */
export const png: Uint8Array = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

/** Five frames of 32 by 32 pixels in VP8, recorded by Chromium from a canvas. */
export const webm: Uint8Array = Buffer.from(
  `
GkXfo59ChoEBQveBAULygQRC84EIQoKEd2VibUKHgQRChYECGFOAZwEAAAAAAAJOEU2bdLlNu4tTq4QVSalmU6yBbk27i1OrhBZUrmtTrIGTTbuLU6uEH0O2
dVOsgdRNu4xTq4QcU7trU6yCAjzsrgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAVSalmoCrXsYMPQkBEiYRCI2p/TYCG
Q2hyb21lV0GGQ2hyb21lFlSua7yuuteBAXPFh+Bp4UI5Wp6DgQFV7oEBhoVWX1ZQOOCdsIEguoEgU8CBAVWwkFWxgQFVuYECVbqBDVW7gQEfQ7Z1AQAAAAAA
AVzngQCg0qGlgQAAAFACAJ0BKiAAIAAABwiFhYiZhIgBJBAAPIeeTgD+/7r/QHWhqKam7oEBpaFQAgCdASogACAAAAcIhYWImYSIASQQADyHnk4A/v+6gwCg
1qG1gQAIAFECAAAQCSAAwDsA/gCC2Z8w0AyHQP7/qi8v//lKvBY3R5//+vMvrzL68y/67ld9v3B1oZmml+6BAaWS0QEAABAJIADAAMLBf6AAQ4AA+4EAoNKh
sYEAHAARAgAAEAkgAMBOnlkG3KOAvc4A/v+bK3/6aR40jxpHzFv/5kV/Miv5kV/8xAB1oZmml+6BAaWS0QEAABAJIADAAMLBf6AAQ4AA+4EIoNehtoEAKAAR
AgAAEAkgAMBiinyG3KOCG9gA/v94+X/9rQ+rQ+rQ/lu//78k/vyT+/JP/vvWyVlTAHWhmaaX7oEBpZLRAQAAEAkgAMAAwsF/oABDgAD7gRwcU7trjbuLs4EA
t4b3gQHxgdQ=`,
  'base64',
)

/** A tenth of a second of silence: one channel of 8 bits at 8 kHz. */
export function wav(): Uint8Array {
  const samples = Buffer.alloc(800, 128)
  const header = Buffer.alloc(44)
  header.write('RIFF    WAVEfmt ', 'latin1')
  header.writeUInt32LE(36 + samples.length, 4)
  for (const [at, value] of [
    [16, 16],
    [24, 8000],
    [28, 8000],
    [40, samples.length],
  ] as const)
    header.writeUInt32LE(value, at)
  for (const [at, value] of [
    [20, 1],
    [22, 1],
    [32, 1],
    [34, 8],
  ] as const)
    header.writeUInt16LE(value, at)
  header.write('data', 36, 'latin1')
  return Buffer.concat([header, samples])
}

/** A page with a word and a script that runs when it is opened, within the viewer. */
export function pdf(): string {
  const objects = [
    '<</Type/Catalog/Pages 2 0 R/OpenAction<</S/JavaScript/JS(this.numPages)>>>>',
    '<</Type/Pages/Kids[3 0 R]/Count 1>>',
    '<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R/Resources<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>',
    '<</Length 37>>stream\nBT /F1 24 Tf 20 100 Td (hello) Tj ET\n\nendstream',
  ]
  let text = '%PDF-1.4\n'
  const offsets = objects.map((object, at) => {
    const offset = text.length
    text += `${at + 1} 0 obj${object}endobj\n`
    return `${String(offset).padStart(10, '0')} 00000 n \n`
  })
  return `${text}xref\n0 5\n0000000000 65535 f \n${offsets.join('')}trailer<</Size 5/Root 1 0 R>>\nstartxref\n${text.length}\n%%EOF`
}
