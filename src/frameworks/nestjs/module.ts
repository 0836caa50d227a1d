import {
  type DynamicModule,
  Inject,
  type InjectionToken,
  Module,
  type ModuleMetadata,
  type OptionalFactoryDependency,
  type Provider,
} from '@nestjs/common'
import { configure, type HoldallSettings, storageConfigs } from '../../config/configure.ts'
import { storages } from '../../config/storages.ts'
import type { AnyStorage } from '../../storage/storage.ts'

/** Options of the module. */
export interface HoldallModuleOptions {
  /** Whether all modules can inject the storages without importing this one; default true. */
  readonly isGlobal?: boolean | undefined
}

/** Options for settings that depend on other providers. */
export interface HoldallModuleAsyncOptions extends HoldallModuleOptions, Pick<ModuleMetadata, 'imports'> {
  /** The arguments of `useFactory`. */
  readonly inject?: (InjectionToken | OptionalFactoryDependency)[] | undefined
  // biome-ignore lint/suspicious/noExplicitAny: what was asked for by `inject`
  readonly useFactory: (...dependencies: any[]) => HoldallSettings | Promise<HoldallSettings>
  /** The aliases of storages that can be injected, since the settings are not known in advance; default `default`. */
  readonly aliases?: readonly string[] | undefined
}

/** Token of the storages that a module has provided. */
const OPENED: unique symbol = Symbol('holdall.opened')

/** Storages that were provided; closed when the application ends. Nest calls the method by its name. */
class OpenedStorages {
  readonly #opened = new Set<AnyStorage>()

  get(alias: string): AnyStorage {
    const storage = storages.get(alias)
    this.#opened.add(storage)
    return storage
  }

  async onApplicationShutdown(): Promise<void> {
    const opened = [...this.#opened]
    this.#opened.clear()
    await Promise.all(opened.map(storage => storage.close()))
  }
}

/** Returns the provider token of an alias's storage. */
export function getStorageToken(alias = 'default'): string {
  return `HoldallStorage:${alias}`
}

/**
 * Injects the storage of an alias into a constructor's parameter or a property.
 * @example
 * constructor(@InjectStorage('media') private readonly media: Storage) {}
 */
export function InjectStorage(alias = 'default'): ParameterDecorator & PropertyDecorator {
  return Inject(getStorageToken(alias))
}

/**
 * Storages as providers of a NestJS application. They are closed when the application shuts down, after all other providers had their
 * `onModuleDestroy`.
 * @example
 * @Module({ imports: [HoldallModule.forRoot({ STORAGES: { default: { BACKEND: 's3', OPTIONS: { bucketName: 'media' } } } })] })
 * class AppModule {}
 */
export class HoldallModule {
  static {
    Module({})(HoldallModule)
  }

  /** Uses these settings, and makes them the settings of the process like `configure`; without settings, uses those of the process. */
  static forRoot(settings?: HoldallSettings, options: HoldallModuleOptions = {}): DynamicModule {
    const aliases = Object.keys(settings === undefined ? storageConfigs() : storageConfigs(settings))
    const useFactory = (): OpenedStorages => opened(settings)
    return moduleOf({ provide: OPENED, useFactory }, aliases, options)
  }

  /** Uses settings that a factory makes from other providers. */
  static forRootAsync(options: HoldallModuleAsyncOptions): DynamicModule {
    const { inject = [], aliases = ['default'], imports = [], useFactory: settingsOf } = options
    // biome-ignore lint/suspicious/noExplicitAny: what was asked for by `inject`
    const useFactory = async (...dependencies: any[]): Promise<OpenedStorages> =>
      opened(await settingsOf(...dependencies))
    return { ...moduleOf({ provide: OPENED, inject, useFactory }, aliases, options), imports }
  }
}

function opened(settings: HoldallSettings | undefined): OpenedStorages {
  if (settings !== undefined) configure(settings)
  return new OpenedStorages()
}

function moduleOf(source: Provider, aliases: readonly string[], options: HoldallModuleOptions): DynamicModule {
  const tokens = aliases.map(alias => ({
    provide: getStorageToken(alias),
    inject: [OPENED],
    useFactory: (found: OpenedStorages) => found.get(alias),
  }))
  return {
    module: HoldallModule,
    global: options.isGlobal ?? true,
    providers: [source, ...tokens],
    exports: tokens.map(({ provide }) => provide),
  }
}
