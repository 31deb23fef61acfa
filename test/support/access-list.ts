/** An access list with its greylist of hosts, which a pool loads a little later. */
import { AccessList, type AccessListOptions } from '../../src/core/tables/access.ts'
import { AddressGreylist } from '../../src/core/tables/greylist.ts'

export interface WholeAccessListOptions extends AccessListOptions {
  readonly ipGreylistSizeKiB: number
  readonly key: Uint8Array
}

export function accessList({ ipGreylistSizeKiB, key, ...options }: WholeAccessListOptions): AccessList {
  const access = new AccessList(options)
  access.adopt(new AddressGreylist({ sizeKiB: ipGreylistSizeKiB, key }))
  return access
}
