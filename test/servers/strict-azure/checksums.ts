/** Content-MD5 and x-ms-content-crc64 of requests and answers. */
import { checksum, md5 } from '../strict-s3/checksums.ts'
import { AzureError, invalidHeader } from './errors.ts'

/** The service's CRC64 has the polynomial of CRC-64/NVME, and its bytes in little-endian order; base64. */
export function crc64(bytes: Uint8Array): string {
  return checksum('crc64nvme', bytes).reverse().toString('base64')
}

/** MD5 in base64. */
export function md5Of(bytes: Uint8Array): string {
  return md5(bytes).toString('base64')
}

/** Verifies what the request says about its body; returns the headers that answer it. */
export function verifyBody(
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
  echoCrc64: boolean,
): Record<string, string> {
  const said = headers['content-md5']
  const saidCrc = headers['x-ms-content-crc64']
  if (said !== undefined && saidCrc !== undefined) throw invalidHeader('x-ms-content-crc64', saidCrc)
  if (said !== undefined && !/^[A-Za-z0-9+/]{22}==$/.test(said)) throw invalidHeader('Content-MD5', said, 'InvalidMd5')
  if (saidCrc !== undefined && !/^[A-Za-z0-9+/]{11}=$/.test(saidCrc)) throw invalidHeader('x-ms-content-crc64', saidCrc)
  if (said !== undefined && said !== md5Of(body)) {
    const message = 'The MD5 value specified in the request did not match with the MD5 value calculated by the server.'
    throw new AzureError(400, 'Md5Mismatch', message, { UserSpecifiedMd5: said, ServerCalculatedMd5: md5Of(body) })
  }
  if (said !== undefined) return { 'content-md5': said }
  if (!echoCrc64 && saidCrc === undefined) return {}
  const actual = crc64(body)
  if (saidCrc !== undefined && saidCrc !== actual) {
    const message =
      'The CRC64 value specified in the request did not match with the CRC64 value calculated by the server.'
    throw new AzureError(400, 'Crc64Mismatch', message, { UserSpecifiedCrc64: saidCrc, ServerCalculatedCrc64: actual })
  }
  return echoCrc64 ? { 'x-ms-content-crc64': actual } : {}
}
