/** What the application with resumes is tried with in a browser. */
import type { Page } from 'playwright-core'
import sharp from 'sharp'

/** A portrait in few colours: a head and shoulders before a wall. */
export function portrait(width: number, height: number, wall: string, coat: string): Promise<Buffer> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 90 120" preserveAspectRatio="xMidYMid slice">
    <rect x="-100" width="400" height="120" fill="${wall}"/><ellipse cx="45" cy="118" rx="40" ry="38" fill="${coat}"/>
    <circle cx="45" cy="50" r="22" fill="#e8c3a0"/><path d="M22 50a23 23 0 0 1 46 0q-10-14-23-14t-23 14" fill="#3b2a20"/></svg>`
  return sharp(Buffer.from(svg)).jpeg().toBuffer()
}

/** Lets uploads through at so many bytes a second; all of them again when it is disposed of. */
export async function slowLine(page: Page, uploadThroughput: number): Promise<AsyncDisposable> {
  const network = await page.context().newCDPSession(page)
  const set = (bytes: number): Promise<unknown> =>
    network.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: 0,
      downloadThroughput: -1,
      uploadThroughput: bytes,
    })
  await set(uploadThroughput)
  return {
    async [Symbol.asyncDispose]() {
      await set(-1)
      await network.detach()
    },
  }
}
