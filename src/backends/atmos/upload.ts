import type { UploadTarget } from '../../remote/part-protocol.ts'
import type { RunningSums } from './checksum.ts'

/** An object to write, with the headers of its requests. */
export interface AtmosTarget extends UploadTarget {
  /** Content type and rights. */
  readonly headers: Readonly<Record<string, string>>
  readonly tags: Readonly<Record<string, string>>
}

/** A temporary object beside the target, which is renamed at the end. */
export interface AtmosUpload {
  readonly target: AtmosTarget
  /** Path of the temporary object. */
  readonly path: string
  readonly sums: RunningSums
  /** Whether a request may have made the temporary object. */
  wasSent: boolean
  /** Known when the temporary object exists. */
  objectId: string | undefined
  /** The service's time, in ms, when it was made. */
  createdAt: number | undefined
  /** Whether its bytes are sent with a checksum. */
  hasChecksum: boolean
  /** Whether each answer has contained the number of bytes. */
  isProven: boolean
  /** Whether the object has the tag with the MD5 of all bytes. */
  isTagged: boolean
}
