import type { HoldallSettings } from 'holdall'

/**
 * Local disk, unless the environment or a file `.env` beside this one names another storage:
 * `DEFAULT_FILE_STORAGE=s3` and `AWS_STORAGE_BUCKET_NAME=my-bucket`, for instance. No code changes with it.
 */
export default (): HoldallSettings => ({
  MEDIA_ROOT: `${process.env['RESUMES_DATA'] ?? 'data'}/media`,
  MEDIA_URL: '/media/',
  // Resumes are private: their URLs are signed and expire. Those of S3 and Google Cloud Storage are so by default.
  AZURE_URL_EXPIRATION_SECS: 3600,
})
