/** Multipart uploads. */
import { needBucket, needOwner, needWrite } from './access.ts'
import { checksum, checksumNames, md5, verifyBody } from './checksums.ts'
import { type OperationContext, type S3Answer, xmlAnswer } from './context.ts'
import { copyRange, copyResult, copySource } from './copy.ts'
import { document, element, invalidArgument, invalidRequest, S3Error } from './errors.ts'
import { pageOf, readLimit } from './listing.ts'
import { checkWriteConditions, encryptionHeaders, readCustomerKey, readSettings } from './object-headers.ts'
import { checkKey, checkLength } from './objects.ts'
import { type Bucket, newId, type StoredPart, type Upload } from './store.ts'
import { childText, parseBody } from './xml-body.ts'

function findUpload(context: OperationContext, bucket: Bucket): Upload {
  const upload = bucket.uploads.get(context.request.query['uploadId'] ?? '')
  if (upload !== undefined && upload.key === context.request.key) return upload
  const message =
    'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.'
  throw new S3Error(404, 'NoSuchUpload', message, { UploadId: context.request.query['uploadId'] ?? '' })
}

/** POST ?uploads. */
export function createUpload(context: OperationContext): S3Answer {
  const { request, state } = context
  const bucket = needBucket(context)
  needWrite(context, bucket)
  checkKey(request.key)
  const settings = readSettings(request.headers, bucket)
  const algorithm = request.headers['x-amz-checksum-algorithm']?.toLowerCase()
  if (algorithm !== undefined && !checksumNames.includes(algorithm)) {
    throw invalidRequest('Checksum algorithm provided is unsupported.')
  }
  const type = request.headers['x-amz-checksum-type'] ?? (algorithm === 'crc64nvme' ? 'FULL_OBJECT' : 'COMPOSITE')
  if (
    (type === 'COMPOSITE') === (algorithm === 'crc64nvme') ||
    (type === 'FULL_OBJECT' && algorithm?.startsWith('sha'))
  ) {
    throw invalidRequest(`The ${type} checksum type cannot be used with the ${algorithm} checksum algorithm.`)
  }
  const checksumType = type === 'FULL_OBJECT' ? 'FULL_OBJECT' : 'COMPOSITE'
  const base = { id: newId(), key: request.key, initiated: state.now(), settings }
  bucket.uploads.set(base.id, { ...base, checksumAlgorithm: algorithm, checksumType, parts: new Map() })
  const headers: Record<string, string> = { ...encryptionHeaders(settings.encryption) }
  if (algorithm !== undefined) {
    Object.assign(headers, { 'x-amz-checksum-algorithm': algorithm.toUpperCase(), 'x-amz-checksum-type': checksumType })
  }
  const inner = element('Bucket', bucket.name) + element('Key', request.key) + element('UploadId', base.id)
  return xmlAnswer(document('InitiateMultipartUploadResult', inner), headers)
}

/** PUT ?partNumber&uploadId, with bytes or with x-amz-copy-source. */
export function uploadPart(context: OperationContext): S3Answer {
  const { request, state } = context
  const bucket = needBucket(context)
  needWrite(context, bucket)
  const text = request.query['partNumber'] ?? ''
  const number = Number(text)
  if (!/^\d+$/.test(text) || number < 1 || number > 10000) {
    throw invalidArgument('partNumber', text, 'Part number must be an integer between 1 and 10000, inclusive')
  }
  const upload = findUpload(context, bucket)
  if (readCustomerKey(request.headers) !== upload.settings.encryption.customerKeyMd5) {
    throw invalidRequest(
      'The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters.',
    )
  }
  const copied = request.headers['x-amz-copy-source'] !== undefined
  let body = request.body
  let checksums: Record<string, string> = {}
  const algorithm = upload.checksumAlgorithm
  if (copied) {
    body = copyRange(context, copySource(context).source)
    if (algorithm !== undefined) checksums[algorithm] = checksum(algorithm, body).toString('base64')
  } else {
    checkLength(context)
    checksums = verifyBody(request.headers, body)
    const given = Object.keys(checksums)[0]
    if (
      algorithm !== undefined &&
      given !== algorithm &&
      (given !== undefined || upload.checksumType === 'COMPOSITE')
    ) {
      throw invalidRequest(
        `Checksum Type mismatch occurred, expected checksum Type: ${algorithm}, actual checksum Type: ${given ?? 'null'}`,
      )
    }
  }
  const part: StoredPart = { body, etag: md5(body).toString('hex'), checksums, lastModified: state.now() }
  upload.parts.set(number, part)
  const encryption = encryptionHeaders(upload.settings.encryption)
  if (copied) return xmlAnswer(copyResult('CopyPartResult', part), encryption)
  const headers: Record<string, string> = { etag: `"${part.etag}"`, ...encryption }
  if (state.options.echoChecksums !== false) {
    for (const [name, value] of Object.entries(checksums)) headers[`x-amz-checksum-${name}`] = value
  }
  return { status: 200, headers }
}

interface WantedPart {
  readonly number: number
  readonly part: StoredPart
}

function wantedParts(context: OperationContext, upload: Upload): WantedPart[] {
  const nodes = parseBody(context.request.body, 'CompleteMultipartUpload').children.filter(one => one.name === 'Part')
  if (nodes.length === 0) {
    throw new S3Error(
      400,
      'MalformedXML',
      'The XML you provided was not well-formed or did not validate against our published schema',
    )
  }
  const wanted: WantedPart[] = []
  for (const node of nodes) {
    const number = Number(childText(node, 'PartNumber'))
    if (number <= (wanted.at(-1)?.number ?? 0)) {
      throw new S3Error(
        400,
        'InvalidPartOrder',
        'The list of parts was not in ascending order. The parts list must be specified in order by part number.',
      )
    }
    const etag = (childText(node, 'ETag') ?? '').replace(/^"(.*)"$/, '$1')
    const part = upload.parts.get(number)
    const algorithm = upload.checksumAlgorithm
    const given = algorithm === undefined ? undefined : childText(node, `Checksum${algorithm.toUpperCase()}`)
    if (
      part === undefined ||
      part.etag !== etag ||
      (given !== undefined && given !== part.checksums[algorithm as string])
    ) {
      const message =
        "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag."
      throw new S3Error(400, 'InvalidPart', message, { UploadId: upload.id, PartNumber: String(number), ETag: etag })
    }
    if (algorithm !== undefined && upload.checksumType === 'COMPOSITE' && given === undefined) {
      throw invalidRequest(
        `The upload was created using a ${algorithm} checksum. The complete request must include the checksum for each part. It was missing for part ${number} in the request.`,
      )
    }
    wanted.push({ number, part })
  }
  const minimum = context.state.options.minPartSize ?? 5 * 1024 * 1024
  for (const { number, part } of wanted.slice(0, -1)) {
    if (part.body.length >= minimum) continue
    throw new S3Error(400, 'EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size', {
      ProposedSize: String(part.body.length),
      MinSizeAllowed: String(minimum),
      PartNumber: String(number),
      ETag: part.etag,
    })
  }
  return wanted
}

/** POST ?uploadId. */
export function completeUpload(context: OperationContext): S3Answer {
  const { request, state } = context
  const bucket = needBucket(context)
  needWrite(context, bucket)
  const upload = findUpload(context, bucket)
  const wanted = wantedParts(context, upload)
  const body = Buffer.concat(wanted.map(one => one.part.body))
  const algorithm = upload.checksumAlgorithm
  const checksums: Record<string, string> = {}
  if (algorithm !== undefined) {
    const raw = wanted.map(one => Buffer.from(one.part.checksums[algorithm] ?? '', 'base64'))
    checksums[algorithm] =
      upload.checksumType === 'FULL_OBJECT'
        ? checksum(algorithm, body).toString('base64')
        : `${checksum(algorithm, Buffer.concat(raw)).toString('base64')}-${wanted.length}`
    const given = request.headers[`x-amz-checksum-${algorithm}`]
    if (given !== undefined && given !== checksums[algorithm]) {
      throw new S3Error(400, 'BadDigest', `The ${algorithm} you specified did not match the calculated checksum.`)
    }
  }
  checkWriteConditions(context, bucket)
  const etags = Buffer.concat(wanted.map(one => Buffer.from(one.part.etag, 'hex')))
  const object = bucket.put(upload.key, {
    ...upload.settings,
    body,
    etag: `${md5(etags).toString('hex')}-${wanted.length}`,
    lastModified: state.now(),
    deleteMarker: false,
    checksums: state.options.echoChecksums === false ? {} : checksums,
    checksumType: upload.checksumType,
    partSizes: wanted.map(one => one.part.body.length),
  })
  bucket.uploads.delete(upload.id)
  const headers: Record<string, string> = { ...encryptionHeaders(object.encryption) }
  if (bucket.versioning === 'Enabled') headers['x-amz-version-id'] = object.versionId
  const inner = [
    element('Location', `http://${request.headers['host'] ?? ''}/${bucket.name}/${upload.key}`),
    element('Bucket', bucket.name) + element('Key', upload.key) + element('ETag', `"${object.etag}"`),
    ...Object.entries(object.checksums).map(([name, value]) => element(`Checksum${name.toUpperCase()}`, value)),
  ]
  return xmlAnswer(document('CompleteMultipartUploadResult', inner.join('')), headers)
}

/** DELETE ?uploadId. */
export function abortUpload(context: OperationContext): S3Answer {
  const bucket = needBucket(context)
  needWrite(context, bucket)
  bucket.uploads.delete(findUpload(context, bucket).id)
  return { status: 204 }
}

/** GET ?uploadId. */
export function listParts(context: OperationContext): S3Answer {
  const bucket = needBucket(context)
  needOwner(context)
  const upload = findUpload(context, bucket)
  const limit = readLimit(context, 'max-parts')
  const after = Number(context.request.query['part-number-marker'] ?? 0)
  const all = [...upload.parts].filter(([number]) => number > after).sort((a, b) => a[0] - b[0])
  const page = all.slice(0, limit)
  const inner = [element('Bucket', bucket.name), element('Key', upload.key), element('UploadId', upload.id)]
  inner.push(element('PartNumberMarker', after), element('MaxParts', limit))
  inner.push(element('NextPartNumberMarker', page.at(-1)?.[0] ?? 0), element('IsTruncated', all.length > page.length))
  for (const [number, part] of page) {
    const date = new Date(part.lastModified).toISOString()
    const text = element('PartNumber', number) + element('LastModified', date) + element('ETag', `"${part.etag}"`)
    const sums = Object.entries(part.checksums).map(([name, value]) => element(`Checksum${name.toUpperCase()}`, value))
    inner.push(`<Part>${text}${element('Size', part.body.length)}${sums.join('')}</Part>`)
  }
  return xmlAnswer(document('ListPartsResult', inner.join('')))
}

/** GET ?uploads. */
export function listUploads(context: OperationContext): S3Answer {
  const { query } = context.request
  const bucket = needBucket(context)
  needOwner(context)
  const limit = readLimit(context, 'max-uploads')
  const name = (upload: Upload): string => `${upload.key}\u0000${upload.id}`
  const byName = new Map([...bucket.uploads.values()].map(upload => [name(upload), upload]))
  const marker = query['key-marker'] ?? ''
  const after = marker === '' ? '' : `${marker}\u0000${query['upload-id-marker'] ?? '\uffff'}`
  const page = pageOf(byName.keys(), query['prefix'] ?? '', '', after, limit)
  const last = byName.get(page.keys.at(-1) ?? '')
  const inner = [element('Bucket', bucket.name), element('KeyMarker', marker), element('MaxUploads', limit)]
  inner.push(element('Prefix', query['prefix'] ?? ''), element('IsTruncated', page.next !== undefined))
  if (page.next !== undefined && last !== undefined) {
    inner.push(element('NextKeyMarker', last.key), element('NextUploadIdMarker', last.id))
  }
  for (const key of page.keys) {
    const upload = byName.get(key) as Upload
    const date = element('Initiated', new Date(upload.initiated).toISOString())
    inner.push(`<Upload>${element('Key', upload.key)}${element('UploadId', upload.id)}${date}</Upload>`)
  }
  return xmlAnswer(document('ListMultipartUploadsResult', inner.join('')))
}
