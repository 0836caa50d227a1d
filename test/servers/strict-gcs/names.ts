/** Which names buckets and objects may have (https://cloud.google.com/storage/docs/objects#naming). */
import { GcsError, invalid } from './errors.ts'

/** 400 unless this is an object's name. */
export function checkObjectName(name: string): void {
  const size = Buffer.byteLength(name)
  if (size === 0) throw new GcsError(400, 'required', 'Required')
  if (size > 1024) {
    const message = `The maximum object length is 1024 characters, but got a name with ${size} characters: ''${name.slice(0, 40)}'...'`
    throw new GcsError(400, 'invalid', message, { xml: 'KeyTooLong' })
  }
  if (/[\r\n\ufffe\uffff]/.test(name)) {
    throw invalid(`Disallowed unicode characters present in object name '${name.replace(/[\r\n]/g, ' ')}'`)
  }
  if (name === '.' || name === '..' || name.startsWith('.well-known/acme-challenge/')) {
    throw invalid(`Invalid object name: '${name}'`)
  }
}

/** 400 unless this is a bucket's name. */
export function checkBucketName(name: string): void {
  const fits = /^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/.test(name) && name.split('.').every(part => part.length <= 63)
  const isAddress = /^\d{1,3}(\.\d{1,3}){3}$/.test(name)
  if (fits && !isAddress && !name.startsWith('goog') && !name.includes('google') && !name.includes('..')) return
  throw new GcsError(400, 'invalid', `Invalid bucket name: '${name}'`, { xml: 'InvalidBucketName' })
}
