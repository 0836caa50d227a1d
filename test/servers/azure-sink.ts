import type { SinkService } from './sink.ts'

/** Uploads in blocks to Azure Blob. */
export const azureSink: SinkService = {
  isPart: ({ method, url = '' }) => method === 'PUT' && url.includes('comp=block&'),
  answer(request, response) {
    const { method, url = '' } = request
    if (method !== 'PUT') {
      response.writeHead(404, { 'x-ms-error-code': 'BlobNotFound' }).end()
      return false
    }
    const written = { etag: '"0x8D0"', 'last-modified': 'Wed, 01 Jan 2025 00:00:00 GMT' }
    const own = azureSink.isPart(request) ? {} : written
    response.writeHead(201, { 'content-length': 0, 'x-ms-request-id': 'sink', ...own }).end()
    return url.includes('comp=blocklist')
  },
}
