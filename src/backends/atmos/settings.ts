import { flag, optionalPort, optionalText, optionalToken, parsePlace, setting, word } from '../../core/setting-types.ts'
import type { SettingsOf } from '../../core/settings.ts'
import {
  type ConnectionOptions,
  connectionSettings,
  locationSetting,
  type PartOptions,
  partSettings,
  type UploadOptions,
  type UrlPolicyOptions,
  uploadSettings,
  urlPolicySettings,
} from '../../remote/options.ts'
import { shownAddress } from '../../remote/shown.ts'
import { isBase64 } from '../../remote/sign/encode.ts'
import { type CommonOptions, commonSettings } from '../../storage/common-settings.ts'
import { type EndpointOptions, parsePath } from './endpoint.ts'
import { checkKey } from './names.ts'
import { checkParameters } from './parameters.ts'
import { NO_SECRET } from './sign.ts'
import { URL_LIFE_SECS } from './url.ts'

/** Options of `AtmosStorage` and `NinefoldStorage`. */
export interface AtmosOptions
  extends CommonOptions,
    ConnectionOptions,
    EndpointOptions,
    UploadOptions,
    Omit<UrlPolicyOptions, 'querystringAuth'>,
    Pick<PartOptions, 'partSize'> {
  readonly user: string | null
  readonly key: string | null
  readonly container: string | null
  readonly userAcl: string | null
  readonly groupAcl: string | null
  readonly checksums: boolean
}

/** Minimum size of a part in bytes. */
const MIN_PART = 1024 * 1024

/** Declarations of the options, whose global names begin with `prefix`: `ATMOS` or `NINEFOLD`. */
function settingsNamed(prefix: string): SettingsOf<AtmosOptions> {
  const keys = (name: string): readonly string[] => [`${prefix}_${name}`]
  const connection = connectionSettings({
    verify: keys('VERIFY'),
    proxies: keys('PROXIES'),
    maxSockets: keys('MAX_SOCKETS'),
    connectTimeoutSecs: keys('CONNECT_TIMEOUT_SECS'),
  })
  const upload = uploadSettings(
    {
      objectParameters: keys('OBJECT_PARAMETERS'),
      gzip: keys('IS_GZIPPED'),
      gzipContentTypes: ['GZIP_CONTENT_TYPES'],
    },
    checkParameters,
  )
  const urls = urlPolicySettings({
    querystringExpire: keys('QUERYSTRING_EXPIRE'),
    customDomain: keys('CUSTOM_DOMAIN'),
    urlProtocol: keys('URL_PROTOCOL'),
  })
  const { partSize } = partSettings({ partSize: keys('PART_SIZE') }, MIN_PART)
  return {
    ...commonSettings,
    location: locationSetting(keys('LOCATION')),
    fileOverwrite: { ...commonSettings.fileOverwrite, keys: keys('FILE_OVERWRITE') },
    timeoutSecs: { ...commonSettings.timeoutSecs, keys: [...keys('TIMEOUT_SECS'), ...commonSettings.timeoutSecs.keys] },
    user: optionalToken({
      default: null,
      keys: keys('USER'),
      aliases: ['uid', 'token'],
      role: 'credential',
      doc: 'Access token: `subtenant/uid`, or `uid` alone in the default subtenant.',
    }),
    key: setting('base64 or null', parseSecret, {
      default: null,
      keys: keys('KEY'),
      aliases: ['secret'],
      secret: true,
      role: 'credential',
      doc: 'Shared secret of the token, in base64, as the portal shows it.',
    }),
    container: setting('text or null', parseContainer, {
      default: null,
      keys: keys('CONTAINER'),
      aliases: ['bucket'],
      doc: 'Top folder of the namespace that holds all files; null = the namespace itself.',
    }),
    host: word({
      default: '',
      keys: keys('HOST'),
      shown: shownAddress,
      role: 'destination',
      doc: 'Host of the service, or its URL.',
    }),
    port: optionalPort({
      default: null,
      keys: keys('PORT'),
      role: 'destination',
      doc: 'Port; null = the default port of the scheme.',
    }),
    secure: flag({
      default: true,
      keys: keys('SECURE'),
      aliases: ['ssl', 'useSsl'],
      role: 'destination',
      doc: 'Whether requests use https; a scheme in `host` overrides this option.',
    }),
    path: setting('path', parsePath, {
      default: '',
      keys: keys('PATH'),
      role: 'destination',
      doc: 'Path before `/rest` in every URL.',
    }),
    signPath: flag({
      default: false,
      keys: keys('SIGN_PATH'),
      doc: 'Whether signatures cover `path`; Ninefold removes it before it checks a signature.',
    }),
    objectParameters: {
      ...upload.objectParameters,
      doc: 'Parameters of every upload (userAcl, groupAcl, listableMeta, cacheControl ...), or a function that returns them.',
    },
    userAcl: optionalText({
      default: null,
      keys: keys('USER_ACL'),
      doc: "Access rights of users to every upload, as 'john=FULL_CONTROL,mary=READ'; null = only the owner has access.",
    }),
    groupAcl: optionalText({
      default: null,
      keys: keys('GROUP_ACL'),
      doc: "Access rights of all other users of the subtenant to every upload: 'other=READ' or 'other=NONE'.",
    }),
    gzip: upload.gzip,
    gzipContentTypes: upload.gzipContentTypes,
    checksums: flag({
      default: true,
      keys: keys('CHECKSUMS'),
      doc: 'Whether uploads send x-emc-wschecksum. Reads of a whole file are then compared with this checksum or with the tag `md5`.',
    }),
    partSize: {
      ...partSize,
      doc: 'Size of one request of an upload, at least 1 MiB. An upload needs about twice this size in memory.',
    },
    querystringExpire: {
      ...urls.querystringExpire,
      default: URL_LIFE_SECS,
      doc: 'Lifetime of a shareable URL; default: 7 days, as in libcloud.',
    },
    customDomain: urls.customDomain,
    urlProtocol: urls.urlProtocol,
    verify: connection.verify,
    proxies: connection.proxies,
    maxSockets: connection.maxSockets,
    connectTimeoutSecs: connection.connectTimeoutSecs,
  }
}

/** Declarations of the options of Atmos. */
export const atmosSettings: SettingsOf<AtmosOptions> = settingsNamed('ATMOS')

const ninefold = settingsNamed('NINEFOLD')

/** Declarations of the options of Ninefold, whose host and path were fixed. */
export const ninefoldSettings: SettingsOf<AtmosOptions> = {
  ...ninefold,
  host: { ...ninefold.host, default: 'api.ninefold.com' },
  path: { ...ninefold.path, default: '/storage/v1.0' },
}

function parseSecret(raw: unknown): string | null {
  if (raw === null || raw === '' || raw === 'None' || raw === 'null') return null
  const secret = typeof raw === 'string' ? raw.trim() : ''
  if (isBase64(secret)) return secret
  throw new Error(NO_SECRET)
}

function parseContainer(raw: unknown): string | null {
  if (raw === null || raw === '' || raw === 'None' || raw === 'null') return null
  const name = parsePlace(raw)
  try {
    checkKey(name)
    if (!name.includes('/')) return name
  } catch {}
  throw new Error('expected the name of one folder, without slashes')
}
