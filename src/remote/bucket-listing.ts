import type { ContainerPage } from '../core/container-driver.ts'
import type { Expected } from './answers.ts'
import { containerLimit, containerPage } from './containers.ts'
import { dateOf } from './headers.ts'
import type { XmlNode } from './xml.ts'

/** The expected answer of the S3 protocol to ListBuckets. */
export const BUCKETS: Expected = { statuses: [200], root: ['ListAllMyBucketsResult'] }

/** Maximum number of buckets per page, and the default. */
const MAX_BUCKETS = 1000

/** The query of ListBuckets. Services without pages ignore it. (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html) */
export function bucketsQuery(page: {
  readonly token?: string | undefined
  readonly limit?: number | undefined
}): Array<[string, string]> {
  const query: Array<[string, string]> = [['max-buckets', String(containerLimit(page, MAX_BUCKETS))]]
  if (page.token !== undefined) query.push(['continuation-token', page.token])
  return query
}

/** The page in an answer to ListBuckets, with any XML namespace. */
export function bucketPage(root: XmlNode): ContainerPage {
  const rows = (root.child('Buckets')?.children('Bucket') ?? []).map(node => ({
    name: node.child('Name')?.text,
    createdAt: dateOf(node.child('CreationDate')?.text),
  }))
  return containerPage(rows, root.child('ContinuationToken')?.text)
}
