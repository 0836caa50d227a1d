/** The configuration that `holdall init` writes for a backend. */
export interface BackendStart {
  readonly options: Readonly<Record<string, unknown>>
  /** Variables for values that should not be in a configuration. */
  readonly env: readonly string[]
}

/** One backend. All code that needs the list of backends is derived from these rows: see CONTRIBUTING.md, "Adding a backend". */
export interface BackendRow {
  /** Its name in `BACKEND`. */
  readonly name: string
  readonly className: string
  /** Its folder in `src/backends`, and the subpath of the package: `holdall/s3`. */
  readonly folder: string
  /** The file in `dist/chunks` that contains the folder: `config`, or one that is loaded at the first use of the backend. */
  readonly chunk: string
  /** Other names that `BACKEND` may use: Django's class paths. */
  readonly paths: readonly string[]
  /** The same for a class that was removed; its use is a process warning with this text. */
  readonly replaced?: Readonly<Record<string, string>>
  /** Whether `docs/backends/<name>.md` documents its settings. */
  readonly hasPage: boolean
  /** Prefixes of its global settings, by which misspelt ones are found. */
  readonly prefixes: readonly string[]
  /** Environment variables, besides its settings, that decide where its requests go or where its keys come from. */
  readonly variables?: RegExp
  readonly start?: BackendStart
}

const S3_KEYS = ['AWS_S3_ACCESS_KEY_ID', 'AWS_S3_SECRET_ACCESS_KEY'] as const
/** Variables that the AWS SDKs read, besides Holdall's settings. */
const AWS_VARIABLES =
  /^(AWS_CA_BUNDLE|AWS_CONFIG_FILE|AWS_SHARED_CREDENTIALS_FILE|AWS_ENDPOINT_URL_\w+|AWS_IGNORE_CONFIGURED_ENDPOINT_URLS|AWS_CONTAINER_\w+|AWS_EC2_METADATA_\w+|AWS_WEB_IDENTITY_TOKEN_FILE)$/i

/** Variables that `@azure/identity` reads, besides Holdall's settings. */
const AZURE_VARIABLES =
  /^(AZURE_(?:AUTHORITY_HOST|CLIENT_\w+|TENANT_ID|USERNAME|PASSWORD|FEDERATED_TOKEN_FILE|POD_IDENTITY_AUTHORITY_HOST|TOKEN_CREDENTIALS|REGIONAL_AUTHORITY_NAME)|IDENTITY_\w+|MSI_\w+|IMDS_ENDPOINT)$/i

/** Variables that decide where requests go and who sends them, besides Holdall's settings. */
const GOOGLE_VARIABLES =
  /^(STORAGE_EMULATOR_HOST|GOOGLE_APPLICATION_CREDENTIALS|GOOGLE_CLOUD_PROJECT|GCLOUD_PROJECT|GCE_METADATA_HOST|GCE_METADATA_IP|CLOUDSDK_CONFIG)$/i

/** Variables that OpenStack's own programs read, `OS_*` and the older `ST_*`: addresses and credentials. */
const OPENSTACK_VARIABLES = /^(?:OS|ST)_\w+$/i

/** Variables that decide where the keys of an agent come from, besides Holdall's settings. */
const SSH_VARIABLES = /^SSH_AUTH_SOCK$/i

/** Variables that decide which authorities are trusted, besides Holdall's settings. */
const CERTIFICATE_VARIABLES = /^SSL_CERT_FILE$/i

/** Returns the row of a class of static files, which is documented on the page of its backend. */
function staticRow(
  name: string,
  className: string,
  place: Pick<BackendRow, 'folder' | 'chunk' | 'prefixes'>,
  paths: readonly string[],
): BackendRow {
  return { name, className, ...place, paths, hasPage: false }
}

const IN_LOCAL = { folder: 'local', chunk: 'config', prefixes: [] }
const IN_S3 = { folder: 's3', chunk: 's3', prefixes: ['AWS_'] }

/** The built-in backends. */
export const BACKENDS: readonly BackendRow[] = [
  {
    name: 'local',
    className: 'LocalStorage',
    folder: 'local',
    chunk: 'config',
    paths: ['django.core.files.storage.FileSystemStorage', 'django.core.files.storage.filesystem.FileSystemStorage'],
    hasPage: true,
    prefixes: [],
    start: { options: { location: './media', baseUrl: '/media/' }, env: [] },
  },
  {
    name: 'memory',
    className: 'MemoryStorage',
    folder: 'memory',
    chunk: 'config',
    paths: ['django.core.files.storage.InMemoryStorage', 'django.core.files.storage.memory.InMemoryStorage'],
    hasPage: true,
    prefixes: [],
    start: { options: {}, env: [] },
  },
  staticRow('static', 'StaticFilesStorage', IN_LOCAL, ['django.contrib.staticfiles.storage.StaticFilesStorage']),
  staticRow('manifest-static', 'ManifestStaticFilesStorage', IN_LOCAL, [
    'django.contrib.staticfiles.storage.ManifestStaticFilesStorage',
  ]),
  staticRow('compressed-static', 'CompressedStaticFilesStorage', IN_LOCAL, [
    'whitenoise.storage.CompressedStaticFilesStorage',
  ]),
  staticRow('compressed-manifest-static', 'CompressedManifestStaticFilesStorage', IN_LOCAL, [
    'whitenoise.storage.CompressedManifestStaticFilesStorage',
  ]),
  {
    name: 's3',
    className: 'S3Storage',
    folder: 's3',
    chunk: 's3',
    paths: ['storages.backends.s3.S3Storage', 'storages.backends.s3boto3.S3Boto3Storage'],
    replaced: {
      'storages.backends.s3boto.S3BotoStorage':
        "The backend 'storages.backends.s3boto.S3BotoStorage' was removed; S3Storage is used instead. " +
        "Set the backend to 's3', and run 'holdall check' to see which of the old settings need a new name.",
    },
    hasPage: true,
    prefixes: ['AWS_'],
    variables: AWS_VARIABLES,
    start: { options: { bucketName: 'my-bucket', regionName: 'eu-central-1' }, env: S3_KEYS },
  },
  staticRow('s3-static', 'S3StaticStorage', IN_S3, [
    'storages.backends.s3.S3StaticStorage',
    'storages.backends.s3boto3.S3StaticStorage',
  ]),
  staticRow('s3-manifest-static', 'S3ManifestStaticStorage', IN_S3, [
    'storages.backends.s3.S3ManifestStaticStorage',
    'storages.backends.s3boto3.S3ManifestStaticStorage',
  ]),
  {
    name: 'spaces',
    className: 'SpacesStorage',
    folder: 'spaces',
    chunk: 's3',
    paths: [],
    hasPage: true,
    prefixes: ['AWS_'],
    variables: AWS_VARIABLES,
    start: { options: { bucketName: 'my-space', regionName: 'fra1' }, env: S3_KEYS },
  },
  {
    name: 'azure',
    className: 'AzureStorage',
    folder: 'azure',
    chunk: 'azure',
    paths: ['storages.backends.azure_storage.AzureStorage'],
    hasPage: true,
    prefixes: ['AZURE_'],
    variables: AZURE_VARIABLES,
    start: {
      options: { accountName: 'myaccount', azureContainer: 'my-container', expirationSecs: 3600 },
      env: ['AZURE_ACCOUNT_KEY'],
    },
  },
  {
    name: 'gcs',
    className: 'GcsStorage',
    folder: 'gcs',
    chunk: 'gcs',
    paths: ['storages.backends.gcloud.GoogleCloudStorage'],
    hasPage: true,
    prefixes: ['GS_'],
    variables: GOOGLE_VARIABLES,
    start: { options: { bucketName: 'my-bucket' }, env: ['GS_CREDENTIALS'] },
  },
  {
    name: 'dropbox',
    className: 'DropboxStorage',
    folder: 'dropbox',
    chunk: 'dropbox',
    paths: ['storages.backends.dropbox.DropBoxStorage', 'storages.backends.dropbox.DropboxStorage'],
    hasPage: true,
    prefixes: ['DROPBOX_'],
    start: {
      options: { rootPath: '/my-app' },
      env: ['DROPBOX_APP_KEY', 'DROPBOX_APP_SECRET', 'DROPBOX_OAUTH2_REFRESH_TOKEN'],
    },
  },
  {
    name: 'ftp',
    className: 'FtpStorage',
    folder: 'ftp',
    chunk: 'ftp',
    paths: ['storages.backends.ftp.FTPStorage'],
    hasPage: true,
    prefixes: ['FTP_'],
    start: { options: { baseUrl: '/media/' }, env: ['FTP_STORAGE_LOCATION'] },
  },
  {
    name: 'sftp',
    className: 'SftpStorage',
    folder: 'sftp',
    chunk: 'sftp',
    paths: ['storages.backends.sftpstorage.SFTPStorage'],
    hasPage: true,
    prefixes: ['SFTP_'],
    variables: SSH_VARIABLES,
    start: {
      options: { host: 'files.example.com', location: '/srv/media', baseUrl: '/media/' },
      env: ['SFTP_STORAGE_PARAMS'],
    },
  },
  {
    name: 'swift',
    className: 'SwiftStorage',
    folder: 'swift',
    chunk: 'swift',
    paths: ['swift.storage.SwiftStorage', 'swift.storage.StaticSwiftStorage'],
    hasPage: true,
    prefixes: ['SWIFT_'],
    variables: OPENSTACK_VARIABLES,
    start: {
      options: {
        authUrl: 'https://keystone.example.com:5000/v3',
        projectName: 'my-project',
        containerName: 'media',
        autoCreateContainer: true,
      },
      env: ['SWIFT_USERNAME', 'SWIFT_PASSWORD'],
    },
  },
  {
    name: 'rackspace',
    className: 'RackspaceStorage',
    folder: 'swift',
    chunk: 'swift',
    paths: [
      'cumulus.storage.SwiftclientStorage',
      'cumulus.storage.CumulusStorage',
      'cumulus.storage.SwiftclientFilesStorage',
      'cumulus.storage.OpenStackStorage',
      'cumulus.storage.CloudFilesStorage',
    ],
    hasPage: true,
    prefixes: ['RACKSPACE_'],
    start: {
      options: { regionName: 'ORD', containerName: 'my-container' },
      env: ['RACKSPACE_USERNAME', 'RACKSPACE_API_KEY'],
    },
  },
  {
    name: 'atmos',
    className: 'AtmosStorage',
    folder: 'atmos',
    chunk: 'atmos',
    paths: [],
    hasPage: true,
    prefixes: ['ATMOS_'],
    start: { options: { host: 'atmos.example.com', container: 'media' }, env: ['ATMOS_USER', 'ATMOS_KEY'] },
  },
  {
    name: 'ninefold',
    className: 'NinefoldStorage',
    folder: 'atmos',
    chunk: 'atmos',
    paths: [],
    hasPage: true,
    prefixes: ['NINEFOLD_'],
    start: { options: { host: 'files.example.com', container: 'media' }, env: ['NINEFOLD_USER', 'NINEFOLD_KEY'] },
  },
  {
    name: 'nimbus',
    className: 'NimbusStorage',
    folder: 'nimbus',
    chunk: 'nimbus',
    paths: [],
    hasPage: true,
    prefixes: ['NIMBUS_'],
    start: {
      options: { user: 'alice', keyId: 5001, collection: 'alice-photos', domain: 'nimbus.example.com' },
      env: ['NIMBUS_KEY'],
    },
  },
  // Listed after the backends that it uses: the first chunk that needs a module contains it.
  {
    name: 'libcloud',
    className: 'LibCloudStorage',
    folder: 'libcloud',
    chunk: 'libcloud',
    paths: ['storages.backends.apache_libcloud.LibCloudStorage'],
    hasPage: true,
    prefixes: ['LIBCLOUD_', 'DEFAULT_LIBCLOUD_'],
    variables: CERTIFICATE_VARIABLES,
    start: { options: { providerName: 'default' }, env: ['LIBCLOUD_PROVIDERS'] },
  },
  {
    name: 'migrating',
    className: 'MigratingStorage',
    folder: 'migrating',
    chunk: 'migrating',
    paths: [],
    hasPage: true,
    prefixes: [],
  },
]

/** Whether a key is, by its prefix, a setting of one of the backends. */
export function isBackendKey(key: string): boolean {
  return BACKENDS.some(({ prefixes }) => prefixes.some(prefix => key.startsWith(prefix)))
}
