/** A worker of a fleet between two folders: URL, folder of the source, folder of the target. It ends by SIGTERM as a program would. */
import { LocalStorage } from '../../src/backends/local/index.ts'
import { runWorker } from '../../src/fleet/index.ts'

const [url, from, to] = process.argv.slice(2)
const places = { a: new LocalStorage({ location: from! }), b: new LocalStorage({ location: to! }) }
const stop = new AbortController()
process.on('SIGTERM', () => stop.abort())
await runWorker(url!, {
  placeOf: text => ({ storage: text === 'a:' ? places.a : places.b, path: '' }),
  concurrency: 4,
  once: true,
  signal: stop.signal,
})
console.log('ended')
