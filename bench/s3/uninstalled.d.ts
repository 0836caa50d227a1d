// The peers are installed only when the benchmark runs (`bench/s3.ts`), so the compiler sees them without types.
declare module 'flydrive'
declare module 'flydrive/drivers/s3'
declare module '@flystorage/file-storage'
declare module '@flystorage/aws-s3'
declare module 'files-sdk'
declare module 'files-sdk/s3'
declare module 's3mini'
