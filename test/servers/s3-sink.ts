import type { SinkService } from './sink.ts'

const XML = { 'content-type': 'application/xml' }

/** Uploads in parts to S3. */
export const s3Sink: SinkService = {
  isPart: ({ method, url = '' }) => method === 'PUT' && url.includes('partNumber='),
  answer(request, response) {
    const { method, url = '' } = request
    const isCompletion = method === 'POST' && !url.includes('?uploads')
    const xml = (document: string) => response.writeHead(200, XML).end(document)
    if (s3Sink.isPart(request)) {
      response.writeHead(200, { etag: '"00000000000000000000000000000000"', 'content-length': 0 }).end()
    } else if (isCompletion) {
      xml('<CompleteMultipartUploadResult><ETag>"e-2"</ETag></CompleteMultipartUploadResult>')
    } else if (method === 'POST') {
      xml('<InitiateMultipartUploadResult><UploadId>sink</UploadId></InitiateMultipartUploadResult>')
    } else if (method === 'GET' && url.includes('?uploads')) xml('<ListMultipartUploadsResult/>')
    else response.writeHead(204).end()
    return isCompletion
  },
}
