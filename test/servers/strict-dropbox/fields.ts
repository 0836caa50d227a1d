/** The named types of arguments (namespaces `files` and `async` of the Dropbox API specification). */
import {
  type Field,
  flag,
  list,
  number,
  optional,
  type Read,
  struct,
  text,
  timestamp,
  union,
  withDefault,
} from './schema.ts'

/** A path, an id or a revision to read. */
export const readPath: Field<string> = text({
  pattern: '(/(.|[\\r\\n])*|id:.*)|(rev:[0-9a-f]{9,})|(ns:[0-9]+(/.*)?)',
})
/** A path or an id to write. */
export const writePath: Field<string> = text({ pattern: '(/(.|[\\r\\n])*)|(ns:[0-9]+(/.*)?)|(id:.*)' })
/** A path that may be the root, or an id. */
export const folderPath: Field<string> = text({ pattern: '(/(.|[\\r\\n])*)?|id:.*|(ns:[0-9]+(/.*)?)' })
export const rev: Field<string> = text({ min: 9, pattern: '[0-9a-f]+' })
const hash: Field<string | undefined> = optional(text({ min: 64, max: 64 }))

/** CommitInfo. */
const commitFields = {
  path: writePath,
  mode: withDefault(union({ add: undefined, overwrite: undefined, update: rev }), { '.tag': 'add' }),
  autorename: flag(false),
  client_modified: optional(timestamp),
  mute: flag(false),
  property_groups: optional(
    list(struct({ template_id: text(), fields: list(struct({ name: text(), value: text() })) })),
  ),
  strict_conflict: flag(false),
} as const
export const commitInfo = struct(commitFields)
export type CommitInfo = Read<typeof commitInfo>

export const uploadArg = struct({ ...commitFields, content_hash: hash })

export const sessionStartArg = struct({
  close: flag(false),
  session_type: withDefault(union({ sequential: undefined, concurrent: undefined }), { '.tag': 'sequential' }),
  content_hash: hash,
})
const cursor = struct({ session_id: text(), offset: number() })
export const appendArg = struct({ cursor, close: flag(false), content_hash: hash })
export const finishArg = struct({ cursor, commit: commitInfo, content_hash: hash })

export const downloadArg = struct({ path: readPath, rev: optional(rev) })
export const pathArg = struct({ path: readPath })
export const metadataArg = struct({
  path: readPath,
  include_media_info: flag(false),
  include_deleted: flag(false),
  include_has_explicit_shared_members: flag(false),
})

export const listArg = struct({
  path: folderPath,
  recursive: flag(false),
  include_media_info: flag(false),
  include_deleted: flag(false),
  include_has_explicit_shared_members: flag(false),
  include_mounted_folders: flag(true),
  limit: optional(number({ min: 1, max: 2000 })),
  include_non_downloadable_files: flag(true),
})
export const continueArg = struct({ cursor: text({ min: 1 }) })

export const folderArg = struct({ path: writePath, autorename: flag(false) })

const deleteFields = { path: writePath, parent_rev: optional(rev) } as const
export const deleteArg = struct(deleteFields)
export const deleteBatchArg = struct({ entries: list(struct(deleteFields), { max: 1000 }) })

const relocation = { from_path: writePath, to_path: writePath } as const
export const relocationArg = struct({
  ...relocation,
  allow_shared_folder: flag(false),
  autorename: flag(false),
  allow_ownership_transfer: flag(false),
})
const relocations = list(struct(relocation), { min: 1, max: 1000 })
export const copyBatchArg = struct({ entries: relocations, autorename: flag(false) })
export const moveBatchArg = struct({
  entries: relocations,
  autorename: flag(false),
  allow_ownership_transfer: flag(false),
})

export const pollArg = struct({ async_job_id: text({ min: 1 }) })

export const uploadLinkArg = struct({
  commit_info: commitInfo,
  duration: withDefault(number({ min: 60, max: 14_400, whole: false }), 14_400),
})

export const shareArg = struct({
  path: readPath,
  settings: optional(
    struct({
      requested_visibility: optional(union({ public: undefined, team_only: undefined, password: undefined })),
      audience: optional(union({ public: undefined, team: undefined, no_one: undefined, password: undefined })),
      access: optional(union({ viewer: undefined, editor: undefined, max: undefined, default: undefined })),
      link_password: optional(text()),
      require_password: optional(flag(false)),
      expires: optional(timestamp),
      allow_download: optional(flag(true)),
    }),
  ),
})
export const sharedLinksArg = struct({
  path: optional(readPath),
  cursor: optional(text()),
  direct_only: optional(flag(false)),
})
