import type { Driver } from '../../core/driver.ts'
import { SuspiciousFileOperation } from '../../core/errors.ts'
import { MAX_COMPONENT_BYTES } from '../../core/key-components.ts'
import type { SettingsOf } from '../../core/settings.ts'
import { parseParams } from '../../remote/ssh/params.ts'
import { Storage } from '../../storage/storage.ts'
import type { GivenSettings, Services } from '../../storage/types.ts'
import { sftpAdvice } from './advice.ts'
import { SftpDriver } from './driver.ts'
import { type SftpOptions, sftpSettings } from './settings.ts'

/** Files in a folder of a server, over SFTP: `new SftpStorage({ host: 'files.example.com', location: '/srv/media' })`. */
export class SftpStorage extends Storage<SftpOptions> {
  static override readonly backendName: string = 'sftp'
  static override readonly settings: SettingsOf<SftpOptions> = sftpSettings

  /** Settings whose effect differs from django-storages, which accepts unknown servers without verification. */
  static override advice(given: GivenSettings): readonly string[] {
    return sftpAdvice(given)
  }

  protected override connect(options: Readonly<SftpOptions>, services: Services): Driver {
    return new SftpDriver({ ...options, params: parseParams(options.params), env: services.env ?? process.env })
  }

  /** Keys are relative to the folder, so no prefix is needed. */
  override get prefix(): string {
    return ''
  }

  /** The key of a name. An absolute path is a `suspicious_name`, as in django-storages' `save`. */
  override keyOf(name: string): string {
    if (typeof name === 'string' && name.startsWith('/') && /[^/.]/.test(name)) {
      throw new SuspiciousFileOperation(`The path (${name}) is absolute; names are relative to the storage's folder.`, {
        fileName: name,
      })
    }
    return super.keyOf(name)
  }

  override get maxPartBytes(): number {
    return MAX_COMPONENT_BYTES
  }
}
