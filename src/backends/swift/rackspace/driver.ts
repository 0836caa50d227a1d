import { SwiftDriver, type SwiftDriverOptions } from '../driver.ts'
import { Cdn } from './cdn.ts'

/** The driver of Swift with the CDN. */
export class RackspaceDriver extends SwiftDriver {
  override readonly name: string = 'rackspace'
  readonly cdn: Cdn

  constructor(options: SwiftDriverOptions) {
    super(options)
    this.cdn = new Cdn(options.identity, options.httpClient)
  }
}
