/** The functions that there are, each with its host, its form, its scope and its argument (namespaces `files`, `sharing` and `users`). */
import { currentAccount, spaceUsage } from './account.ts'
import { createFolder, deleteBatch, deleteOne, relocation, relocationBatch } from './changes.ts'
import type { DropboxAnswer, OperationContext } from './context.ts'
import { download } from './download.ts'
import * as fields from './fields.ts'
import { checkJob } from './jobs.ts'
import { createSharedLink, listSharedLinks, temporaryLink, temporaryUploadLink } from './links.ts'
import { listFolder, listFolderContinue } from './listing.ts'
import { getMetadata } from './lookup.ts'
import type { Field } from './schema.ts'
import { append, finishSession, startSession, upload } from './uploads.ts'

/** One function. */
export interface Route {
  readonly style: 'rpc' | 'upload' | 'download'
  readonly scope: string
  /** Undefined where there is none. */
  readonly arg: Field<unknown> | undefined
  /** Whether it changes the files, so that another such one may be refused meanwhile. */
  readonly writes: boolean
  run(context: OperationContext, arg: unknown): DropboxAnswer
}

type Work<A> = (context: OperationContext, arg: A) => DropboxAnswer

function route<A>(
  style: Route['style'],
  scope: string,
  arg: Field<A> | undefined,
  run: Work<A>,
  writes = false,
): Route {
  return { style, scope, arg, writes, run: (context, value) => run(context, value as A) }
}

const rpc = <A>(scope: string, arg: Field<A>, run: Work<A>): Route => route('rpc', scope, arg, run)
const plain = (scope: string, run: (context: OperationContext) => DropboxAnswer): Route =>
  route<undefined>('rpc', scope, undefined, run)
const write = <A>(arg: Field<A>, run: Work<A>): Route => route('rpc', 'files.content.write', arg, run, true)
const uploading = <A>(arg: Field<A>, run: Work<A>, writes: boolean): Route =>
  route('upload', 'files.content.write', arg, run, writes)

/** By name. */
export const routes: Readonly<Record<string, Route>> = {
  'files/upload': uploading(fields.uploadArg, upload, true),
  'files/upload_session/start': uploading(fields.sessionStartArg, startSession, false),
  'files/upload_session/append_v2': uploading(fields.appendArg, append, false),
  'files/upload_session/finish': uploading(fields.finishArg, finishSession, true),
  'files/download': route('download', 'files.content.read', fields.downloadArg, download),
  'files/get_metadata': rpc('files.metadata.read', fields.metadataArg, getMetadata),
  'files/list_folder': rpc('files.metadata.read', fields.listArg, listFolder),
  'files/list_folder/continue': rpc('files.metadata.read', fields.continueArg, listFolderContinue),
  'files/get_temporary_link': rpc('files.content.read', fields.pathArg, temporaryLink),
  'files/get_temporary_upload_link': rpc('files.content.write', fields.uploadLinkArg, temporaryUploadLink),
  'files/create_folder_v2': write(fields.folderArg, createFolder),
  'files/delete_v2': write(fields.deleteArg, deleteOne),
  'files/delete_batch': write(fields.deleteBatchArg, deleteBatch),
  'files/delete_batch/check': rpc('files.content.write', fields.pollArg, checkJob('delete_batch')),
  'files/copy_v2': write(fields.relocationArg, relocation('copy')),
  'files/copy_batch_v2': write(fields.copyBatchArg, relocationBatch('copy')),
  'files/copy_batch/check_v2': rpc('files.content.write', fields.pollArg, checkJob('copy_batch')),
  'files/move_v2': write(fields.relocationArg, relocation('move')),
  'files/move_batch_v2': write(fields.moveBatchArg, relocationBatch('move')),
  'files/move_batch/check_v2': rpc('files.content.write', fields.pollArg, checkJob('move_batch')),
  'sharing/create_shared_link_with_settings': rpc('sharing.write', fields.shareArg, createSharedLink),
  'sharing/list_shared_links': rpc('sharing.read', fields.sharedLinksArg, listSharedLinks),
  'users/get_current_account': plain('account_info.read', currentAccount),
  'users/get_space_usage': plain('account_info.read', spaceUsage),
}

/** The real host of a function. */
export function hostOf({ style }: Route): 'api' | 'content' {
  return style === 'rpc' ? 'api' : 'content'
}
