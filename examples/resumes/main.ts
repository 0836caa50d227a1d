// `npm run example` starts the application; `npm run example -- --once` goes through all that it does, and ends.
import { runOnce } from './once.ts'
import { startServer } from './server.ts'

const { PORT = '8000', HOST = '127.0.0.1', RESUMES_DATA = 'data', ALLOWED_HOSTS } = process.env

if (process.argv.includes('--once')) {
  await runOnce()
} else {
  const { url, close } = await startServer({
    port: Number(PORT),
    host: HOST,
    data: RESUMES_DATA,
    allowedHosts: ALLOWED_HOSTS?.split(','),
  })
  console.log(`Resumes: ${url}`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void close())
}
