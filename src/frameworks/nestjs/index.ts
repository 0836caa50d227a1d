export {
  getStorageToken,
  HoldallModule,
  type HoldallModuleAsyncOptions,
  type HoldallModuleOptions,
  InjectStorage,
} from './module.ts'
