// The bare server of S3's answers. PUT: the body is thrown away. GET: `/bucket/<anything>-<bytes>` gives so many bytes.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { document, KEYS, listedName, MODIFIED, MODIFIED_ISO, page, sendFile, serve, sizeIn } from '../remote/sink.ts'

const PAGE = 1000
const ETAG = '0123456789abcdef0123456789abcdef'
const XML = 'application/xml'

function listed(start: number, end: number): string {
  let text = `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`
  const next = end < KEYS ? `<NextContinuationToken>${end}</NextContinuationToken>` : ''
  text += `<Name>bucket</Name><Prefix></Prefix><KeyCount>${end - start}</KeyCount><MaxKeys>${PAGE}</MaxKeys>`
  text += `<EncodingType>url</EncodingType><IsTruncated>${end < KEYS}</IsTruncated>${next}`
  for (let n = start; n < end; n++) {
    text += `<Contents><Key>${listedName(n)}</Key><LastModified>${MODIFIED_ISO}</LastModified>`
    text += `<ETag>&quot;${ETAG}&quot;</ETag><Size>${n}</Size><StorageClass>STANDARD</StorageClass></Contents>`
  }
  return `${text}</ListBucketResult>`
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const { method, url = '' } = request
  const at = url.indexOf('?')
  const query = new URLSearchParams(at < 0 ? '' : url.slice(at))
  if (method === 'PUT') {
    response.writeHead(200, { etag: `"${ETAG}"`, 'content-length': 0 }).end()
  } else if (method === 'POST' && query.has('uploads')) {
    const upload = '<Bucket>bucket</Bucket><Key>k</Key><UploadId>u1</UploadId>'
    document(response, XML, `<InitiateMultipartUploadResult>${upload}</InitiateMultipartUploadResult>`)
  } else if (method === 'POST') {
    const made = `<Bucket>bucket</Bucket><Key>k</Key><ETag>"${ETAG}-1"</ETag>`
    document(response, XML, `<CompleteMultipartUploadResult>${made}</CompleteMultipartUploadResult>`)
  } else if (query.has('list-type')) {
    document(response, XML, page(Number(query.get('continuation-token') ?? 0), PAGE, listed))
  } else if (method === 'GET' || method === 'HEAD') {
    const head = { etag: `"${ETAG}"`, 'last-modified': MODIFIED, 'content-type': 'application/octet-stream' }
    sendFile(request, response, sizeIn(at < 0 ? url : url.slice(0, at)), head)
  } else response.writeHead(204).end()
}

serve(answer)
