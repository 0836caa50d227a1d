import * as oracles from '../../oracles/sample.ts'

const WORDS: oracles.Words = {
  hosts: ['bkt.s3.amazonaws.com', 's3.eu-west-1.amazonaws.com', '127.0.0.1:9000'],
  regions: ['us-east-1', 'eu-central-1', 'auto', 'cn-north-1'],
  headers: [
    'content-type',
    'Content-MD5',
    'range',
    'cache-control',
    'user-agent',
    'If-None-Match',
    'x-amz-acl',
    'X-Amz-Meta-Foo',
    'x-amz-meta-bar-b',
    'x-amz-storage-class',
    'x-amz-server-side-encryption',
    'x-amz-server-side-encryption-customer-key',
    'expect',
    'proxy-x',
    'sec-fetch',
    'date',
  ],
  parameters: [
    'acl',
    'response-content-type',
    'response-content-disposition',
    'uploadId',
    'uploads',
    'x-id',
    'versionId',
  ],
  payloadHashes: ['UNSIGNED-PAYLOAD', new Array(65).join('a'), 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'],
}

/** Makes a request to S3 of odd parts; the same numbers give the same request. */
export function sample(random: () => number): oracles.Sample {
  return oracles.sample(random, WORDS)
}
