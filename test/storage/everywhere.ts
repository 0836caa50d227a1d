import type { Storage } from '../../src/storage/storage.ts'
import { at as atmosAt, storageWith as atmosWith } from '../backends/atmos/support.ts'
import { storageWith as azureWith } from '../backends/azure/support.ts'
import { at as dropboxAt, storageWith as dropboxWith } from '../backends/dropbox/support.ts'
import { storageFor as ftpFor } from '../backends/ftp/support.ts'
import { at as gcsAt, storageWith as gcsWith } from '../backends/gcs/support.ts'
import { at as nimbusAt, storageWith as nimbusWith } from '../backends/nimbus/support.ts'
import { storageAt as sftpAt } from '../backends/sftp/support.ts'
import { at as swiftAt, storageWith as swiftWith } from '../backends/swift/support.ts'
import { FtpServer } from '../servers/ftp.ts'
import { startSftpServer } from '../servers/sftp.ts'
import { startStrictAtmos } from '../servers/strict-atmos.ts'
import { startStrictAzure } from '../servers/strict-azure.ts'
import { startStrictDropbox } from '../servers/strict-dropbox.ts'
import { startStrictGcs } from '../servers/strict-gcs.ts'
import { startStrictNimbus } from '../servers/strict-nimbus.ts'
import { startStrictSwift } from '../servers/strict-swift.ts'
import { Kinds } from './kinds.ts'

/** Names of all backends. */
export const BACKENDS = [
  'memory',
  'local',
  's3',
  'azure',
  'gcs',
  'swift',
  'dropbox',
  'atmos',
  'nimbus',
  'ftp',
  'sftp',
] as const

/** A storage of each backend that replaces files, over servers of its own. */
export interface Everywhere extends AsyncDisposable {
  readonly storages: Readonly<Record<(typeof BACKENDS)[number], Storage>>
  /** Puts a file in place, on SFTP with a time that is so long ago that it is no other version's. */
  put(kind: (typeof BACKENDS)[number], name: string, bytes: Uint8Array): Promise<void>
}

/** Starts the servers. */
export async function everywhere(): Promise<Everywhere> {
  const [kinds, azure, gcs, swift, dropbox, atmos, nimbus, ftp, sftp] = await Promise.all([
    Kinds.start(),
    startStrictAzure(),
    startStrictGcs(),
    startStrictSwift(),
    startStrictDropbox(),
    startStrictAtmos(),
    startStrictNimbus({ collections: ['media'] }),
    FtpServer.start(),
    startSftpServer(),
  ])
  const fileOverwrite = true
  const storages = {
    memory: kinds.memory({ fileOverwrite }),
    local: kinds.local({ fileOverwrite }),
    s3: kinds.s3({ fileOverwrite }),
    azure: azureWith({ connectionString: azure.connectionString, azureContainer: 'media', fileOverwrite }),
    gcs: gcsWith({ ...gcsAt(gcs), fileOverwrite }),
    swift: swiftWith({ ...swiftAt(swift), fileOverwrite }),
    dropbox: dropboxWith({ ...dropboxAt(dropbox), fileOverwrite }),
    atmos: atmosWith({ ...atmosAt(atmos), fileOverwrite }),
    nimbus: nimbusWith({ ...nimbusAt(nimbus), fileOverwrite }),
    ftp: ftpFor(ftp, { fileOverwrite }),
    sftp: sftpAt(sftp, { fileOverwrite }),
  }
  return {
    storages,
    async put(kind, name, bytes) {
      if (kind === 'sftp') sftp.files.put(`media/${name}`, bytes, { mtime: 1_700_000_000 })
      else await storages[kind].save(name, bytes)
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(Object.values(storages).map(storage => storage.close()))
      await Promise.all([
        kinds.end(),
        ...[azure, gcs, swift, dropbox, atmos, nimbus, ftp, sftp].map(one => one.close()),
      ])
    },
  }
}
