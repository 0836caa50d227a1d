/** An S3 server that keeps nothing: it takes uploads in parts. */
import type { IncomingMessage } from 'node:http'
import { type Sink, type SinkOptions, type SinkService, startSink } from './sink.ts'

const XML = { 'content-type': 'application/xml' }
const STARTED = '<InitiateMultipartUploadResult><UploadId>sink</UploadId></InitiateMultipartUploadResult>'
const COMPLETED = '<CompleteMultipartUploadResult><ETag>"e-2"</ETag></CompleteMultipartUploadResult>'

const isPart = ({ method, url = '' }: IncomingMessage): boolean => method === 'PUT' && url.includes('partNumber=')

const service: SinkService = {
  isPart,
  answer(request, response) {
    const { method, url = '' } = request
    const isAboutAll = url.includes('?uploads')
    if (isPart(request)) {
      response.writeHead(200, { etag: '"00000000000000000000000000000000"', 'content-length': 0 }).end()
    } else if (method === 'POST') response.writeHead(200, XML).end(isAboutAll ? STARTED : COMPLETED)
    else if (method === 'GET' && isAboutAll) response.writeHead(200, XML).end('<ListMultipartUploadsResult/>')
    else response.writeHead(204).end()
    return method === 'POST' && !isAboutAll
  },
}

/** Starts a sink on a free loopback port. */
export function startS3Sink(options?: SinkOptions): Promise<Sink> {
  return startSink(service, options)
}
