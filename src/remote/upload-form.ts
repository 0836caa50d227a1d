import { ImproperlyConfigured } from '../core/errors.ts'
import type { KnownOptions } from '../core/known-options.ts'
import { dispositionText } from './parameters.ts'
import { type PostCondition, type PostForm, type PostPolicyOptions, postPolicy } from './sign/post-policy.ts'
import type { SigningCredentials } from './sign/query.ts'

/** What a browser may upload by a form. */
export interface UploadFormOptions {
  /** Life in seconds; default `querystringExpire`. */
  readonly expiresInSecs?: number | undefined
  /** Largest file in bytes. */
  readonly maxSize?: number | undefined
  /** The type that the form must send; one that ends in '/' admits every type that begins so. */
  readonly contentType?: string | undefined
  readonly fields?: Readonly<Record<string, string>> | undefined
  readonly conditions?: readonly PostCondition[] | undefined
}

/** All of them. */
export const FORM_OPTIONS: KnownOptions<UploadFormOptions> = {
  expiresInSecs: true,
  maxSize: true,
  contentType: true,
  fields: true,
  conditions: true,
}

/** Where a form uploads to, and what it is signed with. */
export type FormTarget = Omit<PostPolicyOptions, 'expiresInSecs' | 'fields' | 'conditions'>

/** Signs a form that uploads one key; `improperly_configured` without keys. */
export function uploadForm(
  credentials: SigningCredentials | null,
  target: FormTarget,
  options: UploadFormOptions,
  lifeSecs: number,
): PostForm {
  if (credentials === null) throw new ImproperlyConfigured('A form must be signed, but no keys are used.')
  return postPolicy(credentials, formPolicy(target, options, lifeSecs))
}

/** What is signed for a form that uploads one key. */
export function formPolicy(target: FormTarget, options: UploadFormOptions, lifeSecs: number): PostPolicyOptions {
  const { maxSize, contentType, expiresInSecs = lifeSecs } = options
  const fields: Record<string, string> = {}
  for (const [name, value] of Object.entries(options.fields ?? {})) {
    fields[name] = name.toLowerCase() === 'content-disposition' ? dispositionText(name, value) : value
  }
  const conditions: PostCondition[] = [...(options.conditions ?? [])]
  if (maxSize !== undefined) conditions.push(['content-length-range', 0, maxSize])
  if (contentType?.endsWith('/')) conditions.push(['starts-with', '$Content-Type', contentType])
  else if (contentType !== undefined) fields['Content-Type'] = contentType
  return { ...target, expiresInSecs, fields, conditions }
}
